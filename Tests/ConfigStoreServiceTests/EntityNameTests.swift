import TestSupport
import Testing

@testable import ConfigStoreService

struct EntityNameTests {
    @Test(
        "names of letters, digits and single hyphens are accepted",
        arguments: [
            "a", "Z", "0", "9", "ab", "a1", "a-b", "A-1-b2", "alice", "build-tools",
            "x" + String(repeating: "y", count: 39),
            "deadbeef", "urn-uuid-1",
        ]
    )
    func accepted(name: String) {
        #expect(EntityName.isValid(name))
    }

    @Test(
        "names that break the rule are refused",
        arguments: [
            "", " ", "-", "_", ".", "..", "/", "1a", "10", "a-", "-a", "a--b", "a_b", "a.b", "a b", " a", "a ", "a/b",
            "a\n", "a\0b",
            "a%2Fb", "user/alice", "x" + String(repeating: "y", count: 40), "a'; DROP TABLE user", "<b>", "a\u{7F}",
        ]
    )
    func refused(name: String) {
        #expect(!EntityName.isValid(name))
    }

    @Test(
        "letters that only look like ASCII are refused",
        arguments: [
            "аlice", "ａｌｉｃｅ", "a\u{301}", "ál", "alice\u{200B}", "al\u{AD}ice", "①", "٣", "ß", "aⅠ", "a‐b", "a–b", "🐦",
        ]
    )
    func lookAlikes(name: String) {
        #expect(!EntityName.isValid(name))
    }

    @Test(
        "names that read as a UUID are refused in every form",
        arguments: [
            "a23e4567-e89b-12d3-a456-426614174000", "A23E4567-E89B-12D3-A456-426614174000",
            "a23e4567e89b12d3a456426614174000",
            "AbCdEfAbCdEfAbCdEfAbCdEfAbCdEfAb", "{a23e4567-e89b-12d3-a456-426614174000}",
            "urn:uuid:a23e4567-e89b-12d3-a456-426614174000",
        ]
    )
    func uuids(name: String) {
        #expect(UUIDText.matches(name))
        #expect(!EntityName.isValid(name))
    }

    @Test(
        "text that is almost a UUID is not one",
        arguments: [
            "a23e4567-e89b-12d3-a456-42661417400", "a23e4567-e89b-12d3-a456-4266141740000",
            "g23e4567e89b12d3a456426614174000",
            "a23e4567e-89b-12d3-a456-426614174000", "{a23e4567-e89b-12d3-a456-426614174000", "", "{}",
        ]
    )
    func almostUUIDs(name: String) {
        #expect(!UUIDText.matches(name))
    }

    @Test("the scanner agrees with the rule's regular expression on random text")
    func agreesWithExpression() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("abzAZ09--_./ é")
        let rule = /[a-zA-Z](-?[a-zA-Z0-9])+|[a-zA-Z0-9]/
        for _ in 0..<5_000 {
            let name = String(
                (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator) ?? "a"
                }
            )
            #expect(EntityName.isValid(name) == (name.wholeMatch(of: rule) != nil), "seed \(seed), name \(name)")
        }
    }
}
