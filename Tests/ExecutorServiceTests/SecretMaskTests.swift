import Base
import FoundationEssentials
import TestSupport
import Testing

@testable import ExecutorService

/// Secrets never show, however a log is cut into chunks.
struct SecretMaskTests {
    @Test("a secret is replaced wherever it stands, also across chunks", arguments: 1...12)
    func acrossChunks(chunk: Int) {
        #expect(masked("begin hunter22 hunter22hunter22 end", ["hunter22"], chunk: chunk) == "begin *** *** end")
        #expect(masked("hunter2 unter22 hhunter22", ["hunter22"], chunk: chunk) == "hunter2 unter22 h***")
    }

    @Test("a beginning that does not become the secret is shown at the end")
    func incompleteAtEnd() {
        #expect(masked("password is hunter2", ["hunter22"], chunk: 3) == "password is hunter2")
    }

    @Test("every line of a secret of several lines is masked, with the line ends of a terminal too")
    func lines() {
        let key = "-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n"
        #expect(masked("x\(key)y", [key], chunk: 5) == "x***y")
        let terminal = key.split(separator: "\n").joined(separator: "\r\n")
        #expect(masked("x\(terminal)y", [key], chunk: 5) == "x***y")
        #expect(masked("only ijklmnop", [key], chunk: 4) == "only ***")
    }

    @Test("a secret is masked in base64 at each of the three alignments, in both alphabets", arguments: 0..<3)
    func base64(alignment: Int) {
        let secret = "s3cr?t>value~~~with?>marks"
        let text = String(repeating: "x", count: alignment) + secret + "and more behind it"
        let encoded = Data(text.utf8).base64EncodedString()
        let urlSafe = encoded.replacing("+", with: "-").replacing("/", with: "_")
        for form in [encoded, urlSafe] {
            let shown = masked(form, [secret], chunk: 7)
            #expect(shown.contains("***"))
            #expect(shown.utf8.count <= form.utf8.count - secret.utf8.count * 4 / 3 + 3 + 2)
        }
        #expect(masked(Data(secret.utf8).base64EncodedString(), [secret], chunk: 7) == "***")
    }

    @Test("a long secret is masked in base64 that is wrapped at 76 characters")
    func wrappedBase64() {
        let secret = String((0..<200).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "a" })
        let encoded = Data(secret.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
        #expect(masked(encoded, [secret], chunk: 10).replacing("\n", with: "") == String(repeating: "***", count: 4))
    }

    @Test("a secret is masked as URLs, forms and JSON show it")
    func encodings() {
        let secret = "pa ss/w&rd\"\u{e4}"
        let forms = [
            "pa%20ss%2Fw%26rd%22%C3%A4", "pa%20ss%2fw%26rd%22%c3%a4", "pa+ss%2Fw%26rd%22%C3%A4", #"pa ss/w&rd\"ä"#,
        ]
        for form in forms { #expect(masked("<\(form)>", [secret], chunk: 6) == "<***>") }
    }

    @Test("too short secrets are left alone, and no secret masks nothing")
    func nothingToMask() {
        #expect(masked("a b c", ["a", "", "\n", "  "], chunk: 2) == "a b c")
        #expect(masked("a b c", [], chunk: 2) == "a b c")
    }

    @Test("the stream agrees with naive replacement on random texts, patterns and chunks")
    func agreesWithNaive() {
        var random = SeededGenerator.announced()
        for _ in 0..<3_000 {
            let alphabet = Array("abc".utf8.prefix(Int.random(in: 1...3, using: &random)))
            func word(_ range: ClosedRange<Int>) -> [UInt8] {
                (0..<Int.random(in: range, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 97 }
            }
            let patterns = Set((0..<Int.random(in: 0...5, using: &random)).map { _ in word(2...6) })
            let text = word(0...60)
            var stream = SecretMaskStream(SecretMask(patterns: patterns))
            var shown: [UInt8] = []
            var rest = text[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(Int.random(in: 1...8, using: &random))
                rest = rest.dropFirst(chunk.count)
                Array(chunk).withUnsafeBytes { stream.append($0, to: &shown) }
            }
            stream.finish(to: &shown)
            #expect(shown == naive(text, patterns))
        }
    }

    private func masked(_ text: String, _ secrets: [String], chunk: Int) -> String {
        var stream = SecretMaskStream(SecretMask(secrets.map { SecretValue($0) }))
        var shown: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            Array(bytes[start..<min(start + chunk, bytes.count)]).withUnsafeBytes { stream.append($0, to: &shown) }
        }
        stream.finish(to: &shown)
        return String(decoding: shown, as: UTF8.self)
    }

    /// Marks what any pattern covers and replaces every run of marks.
    private func naive(_ text: [UInt8], _ patterns: Set<[UInt8]>) -> [UInt8] {
        var covered = [Bool](repeating: false, count: text.count)
        for pattern in patterns {
            for start in text.indices where text[start...].starts(with: pattern) {
                for index in start..<start + pattern.count { covered[index] = true }
            }
        }
        var shown: [UInt8] = []
        for (index, byte) in text.enumerated() {
            if !covered[index] {
                shown.append(byte)
            } else if index == 0 || !covered[index - 1] {
                shown += SecretMask.replacement
            }
        }
        return shown
    }
}
