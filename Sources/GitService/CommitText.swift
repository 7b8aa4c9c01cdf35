import Model

/// The text of a commit object: lines of `key value`, an empty line, the message.
struct CommitText {
    private let author: Substring
    private let message: Substring

    /// Reads the text, which may be cut; bytes that are not UTF-8 are replaced.
    init(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let end = text.firstRange(of: "\n\n")
        let head = text[..<(end?.lowerBound ?? text.endIndex)]
        message = text[(end?.upperBound ?? text.endIndex)...]
        author = head.split(separator: "\n").first { $0.hasPrefix("author ") }?.dropFirst(7) ?? ""
    }

    /// The commit.
    func commit(named name: String) -> GitCommit {
        var message = message
        while message.last == "\n" { message.removeLast() }
        return GitCommit(sha: name, message: String(message), author: person)
    }

    // `Name <address> seconds zone`; the name may hold anything but angle brackets and line ends.
    private var person: GitEvent.Person {
        let name = author.prefix { $0 != "<" }
        let address = author.dropFirst(name.count + 1).prefix { $0 != ">" }
        return GitEvent.Person(name: String(name.trimmingSpaces), email: String(address))
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
