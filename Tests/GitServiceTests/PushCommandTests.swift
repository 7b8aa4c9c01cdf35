import Base
import TestSupport
import Testing

@testable import GitService

@Suite("the beginning of a push, and the end of its answer")
struct PushCommandTests {
    static let one = String(repeating: "1", count: 40)
    static let two = String(repeating: "2", count: 40)
    static let flush = Array("0000".utf8)

    private func parse(_ pieces: [[UInt8]]) throws -> PushCommands? {
        var parser = PushCommandParser()
        for piece in pieces {
            if let commands = try parser.parse(piece) { return commands }
        }
        return nil
    }

    @Test("commands and capabilities are read, wherever the bytes are cut")
    func commands() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let list =
            PacketLine.encode("shallow \(Self.one)\n")
            + PacketLine.encode(
                "\(ObjectName.zero) \(Self.one) refs/heads/new\0 report-status side-band-64k agent=git/2\n"
            )
            + PacketLine.encode("\(Self.one) \(Self.two) refs/heads/moved")
            + PacketLine.encode("\(Self.two) \(ObjectName.zero) refs/tags/gone\n") + Self.flush + Array("PACKrest".utf8)
        for _ in 0..<200 {
            let pieces = random.pieces(of: list, longest: 40)
            let commands = try #require(try parse(pieces), "seed \(seed)")
            #expect(
                commands.commands == [
                    .init(old: nil, new: Self.one, ref: "refs/heads/new"),
                    .init(old: Self.one, new: Self.two, ref: "refs/heads/moved"),
                    .init(old: Self.two, new: nil, ref: "refs/tags/gone"),
                ]
            )
            #expect(commands.usesSideBand)
        }
    }

    @Test("an attempt without commands is recognized")
    func attemptOnly() throws {
        #expect(try parse([Self.flush])?.commands.isEmpty == true)
    }

    @Test("malformed lists are refused")
    func malformed() {
        let good = "\(Self.one) \(Self.two) refs/heads/x"
        let hostile: [[UInt8]] = [
            Array("zzzz".utf8), Array("0003".utf8), Array("ffff".utf8), Array("0001".utf8), Array("GET / HTTP".utf8),
            PacketLine.encode("push-cert\0x\n"), PacketLine.encode(""), PacketLine.encode("\(good)/../y"),
            PacketLine.encode("\(Self.one) \(Self.two)"), PacketLine.encode("\(Self.one) x refs/heads/x"),
            PacketLine.encode("\(Self.one) \(Self.two) main"),
            PacketLine.encode("\(Self.one) \(Self.two) refs/heads/a b"),
            Array("0076".utf8) + Array("\(Self.one) \(Self.two) refs/heads/".utf8)
                + [UInt8](repeating: 0xFF, count: 22),
        ]
        for bytes in hostile {
            #expect(throws: APIError.self, "\(String(decoding: bytes, as: UTF8.self))") {
                try parse([bytes + Self.flush])
            }
        }
    }

    @Test("too many commands, and lists without end, are refused early")
    func endless() {
        let line = PacketLine.encode("\(Self.one) \(Self.two) refs/heads/x")
        let count = PushCommands.maximumCommands
        #expect(throws: Never.self) { try parse([Array(repeatElement(line, count: count).joined()) + Self.flush]) }
        #expect(throws: APIError.self) { try parse([Array(repeatElement(line, count: count + 1).joined())]) }
        let shallow = PacketLine.encode("shallow \(Self.one)")
        #expect(throws: APIError.self) { try parse(Array(repeating: shallow, count: 30_000)) }
    }

    @Test("no bytes whatever bring the parser down")
    func fuzz() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let good = PacketLine.encode("\(Self.one) \(Self.two) refs/heads/x\0 report-status") + Self.flush
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] = UInt8.random(in: .min ... .max, using: &random)
            }
            // Refused or understood: it must only not trap, and never yield a name that git would not take.
            let commands = try? parse(random.pieces(of: bytes, longest: 60))
            #expect(commands?.commands.allSatisfy { RefName.isValid($0.ref) } ?? true, "seed \(seed)")
        }
    }

    @Test("progress passes, the report is held, wherever the bytes are cut")
    func hold() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let progress = PacketLine.encode("\u{2}Resolving deltas\r")
        let report = PacketLine.encode("\u{1}000eunpack ok\n0000")
        let answer = progress + report + progress + Self.flush
        for _ in 0..<200 {
            var hold = ReportHold(usesSideBand: true)
            let passed = try random.pieces(of: answer, longest: 20).flatMap { try hold.pass($0) }
            #expect(passed == progress + progress, "seed \(seed)")
            #expect(hold.release() == report + Self.flush, "seed \(seed)")
        }
    }

    @Test("without bands everything is held; an endless or broken answer is refused")
    func holdLimits() throws {
        var plain = ReportHold(usesSideBand: false)
        #expect(try plain.pass(Array("000eunpack ok\n".utf8)).isEmpty)
        #expect(plain.release() == Array("000eunpack ok\n".utf8))
        #expect(throws: PacketLine.Malformed.self) {
            var endless = ReportHold(usesSideBand: false)
            _ = try endless.pass([UInt8](repeating: 0, count: ReportHold.maximumBytes + 1))
        }
        #expect(throws: PacketLine.Malformed.self) {
            var banded = ReportHold(usesSideBand: true)
            _ = try banded.pass(Array("fatal: no".utf8))
        }
    }
}
