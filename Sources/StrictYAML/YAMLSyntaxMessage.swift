/// Turns libyaml's terse problems into sentences that say what to do.
enum YAMLSyntaxMessage {
    static func text(problem: String, context: String?, next: UInt8?) -> String {
        if next == UInt8(ascii: "\t") { return "a tab cannot be used for indentation; use spaces" }
        return sentence(problem, next) ?? [context, problem].compactMap(\.self).joined(separator: ": ")
    }

    private static func sentence(_ problem: String, _ next: UInt8?) -> String? {
        switch problem {
        case "found character that cannot start any token":
            let character = next.map { "\"\(Character(UnicodeScalar($0)))\"" } ?? "this character"
            return "a value cannot begin with \(character); put it in quotes"
        case "mapping values are not allowed in this context":
            return "a key is not allowed here; check the indentation, and put text that contains \": \" in quotes"
        case "could not find expected ':'":
            return "expected \":\" after a key; check the indentation of the line before"
        case "did not find expected key":
            return "expected a key; check the indentation of this line and the quotes of the line before"
        case "did not find expected '-' indicator":
            return "expected \"- \" for the next element of the list; check the indentation"
        case "did not find expected ',' or ']'": return "expected \",\" or \"]\" in a list"
        case "did not find expected ',' or '}'": return "expected \",\" or \"}\" in a mapping"
        case "found unexpected end of stream": return "the document ends inside quotes"
        case "found invalid Unicode character escape code":
            return "this is not the code of a character; write the character itself instead of two \\u escapes"
        case "found unknown escape character": return "unknown escape; in double quotes write \\\\ for a backslash"
        case "did not find expected <document start>":
            return "expected nothing more; check the indentation of this line"
        case let level where level.hasPrefix("Maximum nesting level"): return "the document is nested too deeply"
        default: return nil
        }
    }
}
