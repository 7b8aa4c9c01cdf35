import Base
import FoundationEssentials
import HTTPTypes
import TestSupport
import Testing

@testable import Commands

@Suite("martlet backup and restore", .temporaryDirectory, .timeLimit(.minutes(3)))
struct BackupCommandTests {
    private static let key = String(repeating: "k", count: 32)

    /// An installation with two logs and three repositories, of which one each is removed after it was listed.
    private static func installation(_ request: FakeServer.Received, _ earlier: Int) -> FakeServer.Answer {
        let base = "/api/v1alpha/"
        let isFirstPage = request.query == "after="
        switch request.path.dropFirst(base.count) {
        case "backup/configstore/key": return .json(key)
        // The services may start anew meanwhile.
        case "export/configstore": return earlier == 0 ? .error(.serviceUnavailable, "unavailable", "x") : .json("c\n")
        case "backup/gitserver/outbox": return .json("")
        case "export/runservice": return .json("r\n")
        case "backup/runservice/objects":
            guard isFirstPage else { return .json("[]") }
            return .json(#"[{"name":"logs/a","size":3},{"name":"logs/b","size":1}]"#)
        case "backup/runservice/objects/logs/a": return .json("log")
        case "backup/gitserver/repositories":
            guard isFirstPage else { return .json("[]") }
            let head = "refs/heads/main"
            return .json(
                #"[{"path":"a/empty","head":"\#(head)"},{"path":"a/gone","head":"\#(head)"},{"path":"b/full","head":"\#(head)"}]"#
            )
        case "backup/gitserver/repositories/a/empty/bundle": return .init(status: .noContent)
        case "backup/gitserver/repositories/b/full/bundle": return .json("bundle")
        default: return .error(.notFound, "notExist", "There is none.")
        }
    }

    private static let entries = [
        "configstore/key", "configstore/export", "gitserver/outbox", "runservice/export", "runservice/objects/logs/a",
        "gitserver/repositories/a/empty.head", "gitserver/repositories/b/full.head",
        "gitserver/repositories/b/full.bundle",
    ]

    private static func entries(_ path: String) throws -> [String] {
        var reader = BackupReader(try BackupSource.open(path))
        var entries: [String] = []
        while let (entry, _) = try reader.next() { entries.append(entry.name) }
        return entries
    }

    @Test("what was removed between list and reading is left out and counted; a service that starts is waited for")
    func backup() async throws {
        let fixture = CommandFixture()
        try await FakeServer.with(Self.installation) { _, url in
            let result = await fixture.run("backup", "--out", "b.tar", "--token", "t", "--gateway-url", url)
            #expect(result.status == 0, "\(result.told)")
            #expect(
                result.told.contains("1 logs and archives and 2 repositories; 2 were removed meanwhile"),
                "\(result.told)"
            )
            let entries = try Self.entries("\(fixture.directory)/b.tar")
            #expect(entries == Self.entries)
            let again = await fixture.run("backup", "--out", "b.tar", "--token", "t", "--gateway-url", url)
            #expect(again.status == 1 && again.told.contains("exists already"), "\(again.told)")
        }
        let verified = await fixture.run("backup", "verify", "b.tar")
        #expect(verified.status == 0 && verified.told.contains("is a whole backup"), "\(verified.told)")
    }

    @Test("what exists and cannot be read ends the backup, and no file is left")
    func unreadable() async throws {
        let fixture = CommandFixture()
        try await FakeServer.with { request, earlier in
            request.path.hasSuffix("logs/a")
                ? .error(.internalServerError, "internal", "It cannot be read.") : Self.installation(request, earlier)
        } _: { _, url in
            let result = await fixture.run("backup", "--out", "b.tar", "--token", "t", "--gateway-url", url)
            #expect(result.status == 1 && result.told.contains("It cannot be read."), "\(result.told)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.directory).isEmpty)
    }

    @Test("a damaged file ends with 65 before anybody is asked, and so does what is no file")
    func damaged() async throws {
        let fixture = CommandFixture()
        try Data("no backup".utf8).write(to: URL(filePath: "\(fixture.directory)/x.tar"))
        try await FakeServer.with({ _, _ in .init() }) { server, url in
            for arguments in [
                ["backup", "verify", "x.tar"], ["restore", "x.tar", "--gateway-url", url, "--token", "t"],
            ] {
                let result = await fixture.run(arguments)
                #expect(result.status == 65 && result.told.contains("byte"), "\(result.told)")
            }
            let directory = await fixture.run("backup", "verify", "/")
            #expect(directory.status == 65, "\(directory.told)")
            let missing = await fixture.run("backup", "verify", "missing.tar")
            #expect(missing.status == 1, "\(missing.told)")
            #expect(server.requests.isEmpty)
        }
    }

    @Test("a restore that lacks its end alone is ended, and nothing is put back a second time")
    func missingEnd() async throws {
        let fixture = CommandFixture()
        try await FakeServer.with(Self.installation) { _, url in
            _ = await fixture.run("backup", "--out", "b.tar", "--token", "t", "--gateway-url", url)
        }
        var reader = BackupReader(try BackupSource.open("\(fixture.directory)/b.tar"))
        _ = try reader.next()
        let id = try #require(reader.manifest?.id)
        try await FakeServer.with { request, _ in
            switch (request.method, request.path) {
            case ("GET", "/api/v1alpha/backup/gitserver/restore"): .json(#"{"isEmpty":false,"backup":"\#(id)"}"#)
            case ("GET", _) where request.path.hasSuffix("/restore"): .json(#"{"isEmpty":false}"#)
            case ("GET", _): .json(#"{"requestedStatus":false,"currentStatus":false,"instances":[]}"#)
            default: .init(status: .noContent)
            }
        } _: { server, url in
            let result = await fixture.run("restore", "b.tar", "--token", "t", "--gateway-url", url)
            #expect(result.status == 0, "\(result.told)")
            #expect(server.requests.allSatisfy { $0.method == "GET" || $0.method == "DELETE" })
            #expect(server.requests.last?.path == "/api/v1alpha/backup/gitserver/restore")
            #expect(server.requests.last?.method == "DELETE")
        }
    }

    @Test("an installation that holds something, or another restore, is left alone; one that breaks off says so")
    func refusedRestores() async throws {
        let fixture = CommandFixture()
        try await FakeServer.with(Self.installation) { _, url in
            _ = await fixture.run("backup", "--out", "b.tar", "--token", "t", "--gateway-url", url)
        }
        for (state, words) in [
            (#"{"isEmpty":false}"#, "not empty"), (#"{"isEmpty":true,"backup":"other"}"#, "has not ended"),
        ] {
            try await FakeServer.with({ _, _ in .json(state) }) { server, url in
                let result = await fixture.run("restore", "b.tar", "--token", "t", "--gateway-url", url)
                #expect(result.status == 1 && result.told.contains(words), "\(result.told)")
                #expect(server.requests.allSatisfy { $0.method == "GET" })
            }
        }
        try await FakeServer.with { request, _ in
            if request.path.hasSuffix("/restore") { return .json(#"{"isEmpty":true}"#) }
            return .error(.badRequest, "notEmpty", "Something is here.")
        } _: { _, url in
            let result = await fixture.run("restore", "b.tar", "--token", "t", "--gateway-url", url)
            #expect(result.status == 1, "\(result.told)")
            #expect(
                result.told.contains("Something is here.") && result.told.contains("Repeat the restore"),
                "\(result.told)"
            )
        }
    }
}
