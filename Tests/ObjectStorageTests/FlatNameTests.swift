import TestSupport
import Testing

@testable import ObjectStorage

@Suite(.temporaryDirectory)
struct FlatNameTests {
    @Test(
        "names become paths that do not collide",
        arguments: [
            ("/", "%2F"), ("a", "a"), ("%", "%25"), (String(repeating: "☺", count: 8), "☺☺☺☺☺☺☺☺.f"),
            ("s3/is/not/a/file", "s3%2Fis%2Fno/t%2Fa%2Ffile.f"), ("s3/is/nota/fil.fa", "s3%2Fis%2Fno/ta%2Ffil.f/a"),
            (
                "s3/is/not/a/file///system/file01/a",
                "s3%2Fis%2Fno/t%2Fa%2Ffile/%2F%2F%2Fsyste/m%2Ffile01/%2Fa"
            ),
            ("abcdefgh", "abcdefgh.f"), ("abcdefgh.f", "abcdefgh/.f"), ("abcdefgh.", "abcdefgh/%2E"),
            ("abcdefgh..", "abcdefgh/%2E%2E"), ("abcdefgh...", "abcdefgh/..."), ("abcdef.f", "abcdef.f.f"),
        ]
    )
    func paths(_ name: String, _ path: String) {
        #expect(PosixLayout.flat.path(of: name) == path)
    }

    @Test("names that look like each other's files are all there, in order")
    func lookalikes() async throws {
        let store = try await PosixStore.open(path: TemporaryDirectory.path, layout: .flat, pool: pool)
        let names = [
            "abcdefgh", "abcdefgh.", "abcdefgh..", "abcdefgh...", "abcdefgh.f", "abcdefgh.f.f", "abcdefgh/x",
            "abcdef.f",
            "abcdef.f.f", "abcdefgi", "abcdefghabcdefgh", "abcdefghabcdefgh.f", "%2E", "%2F", "a%", "☺☺☺☺☺☺☺☺.f",
            "☺☺☺☺☺☺☺☺",
        ]
        for name in names { try await store.write(name, bytes: Array(name.utf8)) }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await store.names() == sorted)
        for name in names {
            #expect(try await store.read(name, limit: 100) == Array(name.utf8))
            let beyond = sorted.filter { name.utf8.lexicographicallyPrecedes($0.utf8) }
            #expect(try await store.names(after: name) == beyond)
            #expect(try await store.names(prefix: name) == sorted.filter { $0.utf8.starts(with: name.utf8) })
        }
        for name in names { #expect(try await store.delete(name) == true) }
        #expect(try await store.names().isEmpty)
    }
}
