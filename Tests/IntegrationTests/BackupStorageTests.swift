import Base
import FoundationEssentials
import HTTPTransport
import ObjectStorage
import TestSupport
import Testing

@Suite(
    "A backup and the place of the objects",
    .temporaryDirectory,
    .timeLimit(.minutes(4)),
    .disabled(if: TestS3Server.obstacle != nil, Comment(rawValue: TestS3Server.obstacle ?? ""))
)
struct BackupStorageTests {
    /// What an installation must have again after it was restored.
    private struct Content: Sendable, Equatable {
        var exports: [[UInt8]]
        var log: String
        /// The checksums of all logs and archives, as the backup tells them.
        var objects: [Substring]
    }

    @Test("from a bucket into a directory, and from there into a bucket behind TLS, nothing is lost or changed")
    func fromS3AndBack() async throws {
        let client = try HTTPClient()
        defer { client.shutdown() }
        let server = try await TestS3Server.shared()
        let (first, second) = ("\(TemporaryDirectory.path)/first.tar", "\(TemporaryDirectory.path)/second.tar")
        let (content, admin) = try await ServedInstallation.with(objectStorage: Self.bucket("a", server), client) {
            installation,
            _ in
            let installation = try await ServedInstallation.populate(installation, client)
            try await Self.writeArchive(to: server)
            return (try await Self.backUp(installation, to: first, client), installation)
        }
        #expect(content.log.utf8.count > 8 << 20)
        #expect(content.objects.contains { $0.hasSuffix("workspacearchives/elsewhere/data/0.tar") })

        let port = try TestProcess.freePort()
        try await Installation.with(port: port, name: "new", isEmpty: true) { installation in
            try await Self.restore(first, into: installation)
            let restored = Self.seen(installation, by: admin)
            #expect(try await Self.backUp(restored, to: second, client) == content)
        }

        try await TestTLSFront.with(of: server.port) { front in
            let storage = Self.bucket("b", server, front)
            try await ServedInstallation.with(objectStorage: storage, client) { installation, _ in
                try await Self.restore(second, into: installation)
                let restored = Self.seen(installation, by: admin)
                let third = "\(TemporaryDirectory.path)/third.tar"
                #expect(try await Self.backUp(restored, to: third, client) == content)
                try await restored.push("after the restore", from: "again")
                try await restored.waitForGreen(2, client)
                #expect(try await restored.log(of: 2, client).hasPrefix("after the restore\nline 0000000000000001 of"))
            }
        }
    }

    private static func bucket(_ path: String, _ server: TestS3Server, _ front: TestTLSFront? = nil) -> [String] {
        let secure = front.map { ["endpoint: https://localhost:\($0.port)", "caFile: \($0.authority)"] }
        return (secure ?? ["endpoint: \(server.url)"]) + [
            "type: s3", "bucket: installation", "accessKey: \(TestS3Server.accessKey)",
            "secretAccessKey: \(TestS3Server.secretAccessKey)", "basePath: \(path)",
        ]
    }

    private static func writeArchive(to server: TestS3Server) async throws {
        // No step of a pipeline makes archives yet.
        let s3 = S3Configuration(
            endpoint: server.url,
            bucket: "installation",
            accessKey: TestS3Server.accessKey,
            secretAccessKey: SecretValue(TestS3Server.secretAccessKey)
        )
        let objects = try await ObjectStorageConfiguration(place: .s3(s3), basePath: "a").open()
        try await objects.write("workspacearchives/elsewhere/data/0.tar", bytes: Array(repeating: 7, count: 100_000))
    }

    private static func backUp(
        _ installation: Installation,
        to path: String,
        _ client: HTTPClient
    ) async throws -> Content {
        let outcome = try await installation.martlet("backup", "--out", path)
        #expect(outcome.status == 0, "\(outcome.text)")
        let verified = try await installation.martlet("backup", "verify", path)
        #expect(verified.status == 0 && verified.text.contains("is a whole backup"), "\(verified.text)")
        let checksums = try await TestProcess.require("tar", ["-xOf", path, "checksums"])
        return Content(
            exports: try await installation.exports(client),
            log: try await installation.log(of: 1, client),
            objects: checksums.split(separator: "\n").filter { $0.contains("  runservice/objects/") }
        )
    }

    private static func restore(_ backup: String, into installation: Installation) async throws {
        let outcome = try await installation.martlet("restore", backup)
        #expect(outcome.status == 0, "\(outcome.text)")
    }

    /// An installation as the admin of the backup sees it.
    private static func seen(_ installation: Installation, by admin: Installation) -> Installation {
        var seen = installation
        (seen.token, seen.password) = (admin.token, admin.password)
        return seen
    }
}
