import Base
import FoundationEssentials
import HTTPTypes
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import GitService

@Suite("packed bodies", .temporaryDirectory, .timeLimit(.minutes(5)))
struct GzipDecoderTests {
    private func pack(_ bytes: [UInt8]) async throws -> [UInt8] {
        let result = try await Subprocess.run(
            .name("gzip"),
            arguments: ["-c"],
            input: .array(bytes),
            output: .bytes(limit: 64 << 20),
            error: .discarded
        )
        return result.standardOutput
    }

    private func unpack(_ pieces: [[UInt8]], limit: Int = .max) throws -> [UInt8] {
        let decoder = try GzipDecoder(limit: limit)
        var unpacked: [UInt8] = []
        for piece in pieces {
            var input = piece[...]
            while true {
                let more = try decoder.next(from: &input)
                #expect(more.count <= GzipDecoder.pieceSize)
                guard !more.isEmpty else { break }
                unpacked += more
            }
        }
        guard decoder.isAtEnd else { throw GzipDecoder.Refusal.malformed }
        return unpacked
    }

    @Test("what gzip packs is unpacked, wherever the bytes are cut")
    func roundTrip() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<300_000).map { _ in UInt8.random(in: 0...3, using: &random) }
        let packed = try await pack(bytes)
        for longest in [1, 7, 1_000, 100_000] {
            #expect(try unpack(random.pieces(of: packed, longest: longest)) == bytes, "seed \(seed)")
        }
    }

    @Test("a bomb is stopped at the limit, long before it is unpacked")
    func bomb() async throws {
        let packed = try await pack([UInt8](repeating: 0, count: 64 << 20))
        #expect(packed.count < 100_000)
        #expect(throws: GzipDecoder.Refusal.tooLarge) { try unpack([packed], limit: 1 << 20) }
    }

    @Test("broken, cut and followed-up bodies are refused")
    func broken() async throws {
        let packed = try await pack(Array("0032want".utf8))
        #expect(throws: GzipDecoder.Refusal.malformed) { try unpack([Array("not gzip".utf8)]) }
        #expect(throws: GzipDecoder.Refusal.malformed) { try unpack([packed.dropLast(1).map(\.self)]) }
        #expect(throws: GzipDecoder.Refusal.malformed) { try unpack([packed + [1]]) }
        var damaged = packed
        damaged[packed.count - 6] ^= 0xFF
        #expect(throws: GzipDecoder.Refusal.malformed) { try unpack([damaged]) }
    }

    @Test("a packed push that is a bomb is refused, and the service lives on")
    func bombOverHTTP() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello")
            let bomb = try await pack([UInt8](repeating: UInt8(ascii: "0"), count: 200 << 20))
            let path = "/repos/ada/hello.git/git-receive-pack"
            #expect(try await fixture.post(path, bomb, headers: [.contentEncoding: "gzip"]).0 == 200)
            let shallow = PacketLine.encode("shallow \(PushCommandTests.one)")
            let list = try await pack(Array(repeatElement(shallow, count: 1_000_000).joined()))
            #expect(try await fixture.post(path, list, headers: [.contentEncoding: "gzip"]).0 == 400)
            #expect(try await fixture.post(path, [1, 2], headers: [.contentEncoding: "br"]).0 == 400)
            #expect(try await fixture.call(.get, "/repos/ada/hello.git/refs").0 == 200)
        }
    }
}
