import Base
import Model

/// Names one repository; a value exists only for paths that are safe to use as directory names.
struct RepositoryPath: Hashable, Sendable, CustomStringConvertible {
    /// What a repository is for.
    enum Kind: String, Sendable {
        /// `<owner>/<name>`: created on purpose, its pushes are announced.
        case hosted
        /// `<user id>/<repo uuid>`: created by the first push, announces nothing.
        case direct
    }

    let kind: Kind
    let owner: String
    let name: String

    /// Takes the two parts of a path, without `.git`; nil unless they are two UUIDs or two well-formed names.
    init?(owner: String, name: String) {
        if Self.isUUID(owner), Self.isUUID(name) {
            kind = .direct
        } else if Self.isOwnerName(owner), Self.isRepositoryName(name) {
            kind = .hosted
        } else {
            return nil
        }
        self.owner = owner
        self.name = name
    }

    /// Takes the description of another value.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self.init(owner: String(parts[0]), name: String(parts[1]))
    }

    /// `<owner>/<name>`.
    var description: String { "\(owner)/\(name)" }

    /// The rule of user and organization names: letters, digits and single dashes between them.
    static func isOwnerName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...40).contains(bytes.count), !isUUID(text.lowercased()),
            bytes.allSatisfy({ isAlphanumeric($0) || $0 == dash })
        else {
            return false
        }
        return bytes.first != dash && bytes.last != dash && !text.contains("--")
    }

    private static func isRepositoryName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let lowercased = text.lowercased()
        guard (1...100).contains(bytes.count), !isUUID(lowercased), let first = bytes.first, isAlphanumeric(first)
        else {
            return false
        }
        guard !text.contains(".."), !text.hasSuffix("."), !lowercased.hasSuffix(".git"), !lowercased.hasSuffix(".lock")
        else {
            return false
        }
        return bytes.allSatisfy {
            isAlphanumeric($0) || $0 == dash || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
    }

    /// Whether the text is a UUID in lower case: two spellings of one identity would be two directories.
    static func isUUID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: dash, omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(ObjectName.isHexDigit) }
    }

    private static let dash = UInt8(ascii: "-")

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            false
        }
    }
}

/// Names of git objects: 40 lower-case hexadecimal digits.
enum ObjectName {
    /// What git writes for an object that does not exist: the old value of a new ref, the new value of a deleted one.
    static let zero = String(repeating: "0", count: 40)

    /// Whether the text is a full object name.
    static func isValid(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy(isHexDigit)
    }

    /// Whether the byte is a lower-case hexadecimal digit.
    static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

/// Names of refs.
enum RefName {
    /// Whether the text is a full ref name, by the rules of `git check-ref-format`.
    static func isValid(_ text: String) -> Bool {
        guard text.hasPrefix("refs/"), text.utf8.count <= 1_000, !text.hasSuffix("."), !text.contains(".."),
            !text.contains("@{")
        else {
            return false
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && !forbidden.contains($0) }) else { return false }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count >= 2 && parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasSuffix(".lock") }
    }

    /// Whether a change of the ref is announced.
    static func isAnnounced(_ text: String) -> Bool {
        text.hasPrefix("refs/heads/") || text.hasPrefix("refs/tags/")
    }

    private static let forbidden = Array("~^:?*[\\".utf8)
}
