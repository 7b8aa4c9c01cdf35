import Base
import Model
import TestSupport
import Testing

@testable import GitService

@Suite("what git prints of objects")
struct ObjectBatchTests {
    private let name = String(repeating: "a", count: 40)

    @Test("objects are read wherever the bytes are cut, and only their beginnings are kept")
    func pieces() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let text = "\(name) blob 5\nab\ncd\nrefs/heads/x^{commit} missing\n\(name) commit 0\n\n\(name) blob 100\n"
        let output = Array(text.utf8) + [UInt8](repeating: 120, count: 100) + [10]
        for _ in 0..<200 {
            var batch = ObjectBatch(keeping: 10)
            for piece in random.pieces(of: output, longest: 30) { try batch.take(piece) }
            let objects = try batch.finish(count: 4)
            #expect(objects.map { $0?.size } == [5, nil, 0, 100], "seed \(seed)")
            #expect(objects[0]?.content == Array("ab\ncd".utf8), "seed \(seed)")
            #expect(objects[3]?.content.count == 10, "seed \(seed)")
        }
    }

    @Test("output that breaks off is an error, not a missing object")
    func brokenOff() throws {
        for text in ["", "\(name) blob", "\(name) blob 5\nab", "\(name) blob 2\nab"] {
            var batch = ObjectBatch(keeping: 10)
            try batch.take(Array(text.utf8))
            #expect(throws: Failure.self, "\(text)") { try batch.finish(count: 1) }
        }
        #expect(throws: Failure.self) {
            var batch = ObjectBatch(keeping: 10)
            try batch.take(Array("\(name) blob 2\nabc".utf8))
        }
    }

    @Test("commits of every shape are understood")
    func commits() {
        let plain =
            "tree \(name)\nauthor Ada L. <ada@example.org> 1700000000 +0100\ncommitter x <y> 1 +0000\n\nsubject\n\nbody\n\n"
        let commit = CommitText(Array(plain.utf8)).commit(named: name)
        #expect(
            commit
                == GitCommit(
                    sha: name,
                    message: "subject\n\nbody",
                    author: .init(name: "Ada L.", email: "ada@example.org")
                )
        )
        for odd in ["", "\n\n", "author\n\n", "author <>\n\nx", "author nobody\n\nx", "author <<<>\n\n", "tree x"] {
            #expect(CommitText(Array(odd.utf8)).commit(named: name).sha == name)
        }
        let latin = CommitText(Array("author \u{1}".utf8) + [0xE9] + Array(" <a> 1 +0000\n\nm".utf8) + [0xFF])
        #expect(latin.commit(named: name).message == "m\u{FFFD}")
    }
}
