import Base
import HTTPTransport
import ObjectStorage
import TestSupport
import Testing

@Suite(
    "A bucket over TLS",
    .enabled(if: TestBucket.isAvailable, "\(TestS3Server.obstacle ?? "there is an S3 server")"),
    .temporaryDirectory,
    .timeLimit(.minutes(5))
)
struct S3TLSTests {
    private static func configuration(_ front: TestTLSFront, bucket: String) async throws -> S3Configuration {
        var configuration = try await TestBucket.configuration(bucket: bucket)
        configuration.endpoint = "https://localhost:\(front.port)"
        configuration.certificateAuthorityFile = front.authority
        return configuration
    }

    @Test("is used with the authority's file, named in the path or in the host's name", arguments: [false, true])
    func trusted(http2: Bool) async throws {
        let port = try await TestS3Server.shared().port
        let bucket = "b\(HexText.random(bytes: 8))"
        try await TestTLSFront.with(of: port, names: ["\(bucket).localhost"], http2: http2) { front in
            var configuration = try await Self.configuration(front, bucket: bucket)
            let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
            for usesPathStyle in [true, false] {
                configuration.usesPathStyle = usesPathStyle
                let store = try await S3Store.open(configuration, limits: TestBucket.limits)
                let name = "a/\(usesPathStyle) b+é"
                #expect(try await store.write(name, size: nil, body: Chunks(content, of: 9_001)) == 200_000)
                #expect(try await store.read(name, limit: 1 << 20) == content)
                #expect(try await store.names(prefix: "a/").contains(name))
                #expect(try await store.stat(name).size == 200_000)
                try await store.delete("a/none")
            }
        }
    }

    @Test("is refused, with a sentence on what to do, unless an authority that is trusted vouches for the very name")
    func refused() async throws {
        let port = try await TestS3Server.shared().port
        try await TestTLSFront.with(of: port) { front in
            var bad = Array(repeating: try await Self.configuration(front, bucket: "secure"), count: 4)
            bad[0].certificateAuthorityFile = nil
            bad[1].certificateAuthorityFile = front.stranger
            bad[2].endpoint = "https://127.0.0.1:\(front.port)"
            bad[3].certificateAuthorityFile = "\(TemporaryDirectory.path)/none.pem"
            for configuration in bad {
                let error = await #expect(throws: ObjectStorageError.self) {
                    _ = try await S3Store.open(configuration, limits: TestBucket.limits)
                }
                let text = error?.description ?? ""
                #expect(error?.kind == .unavailable)
                #expect(text.contains("certificate is not trusted") && text.contains("objectStorage.caFile"), "\(text)")
            }
        }
    }
}
