import Base

/// The place of a project or project group by names: `user/<username>[/<name>…]`.
struct TreePath: Sendable, Equatable {
    /// The kind of owner at the top.
    enum OwnerKind: String, Sendable {
        /// A user.
        case user
        /// An organization.
        case org
    }

    /// The most names below an owner; deeper trees serve nobody and would make every look-up slow.
    static let maximumDepth = 32

    /// The kind of owner at the top.
    let ownerKind: OwnerKind
    /// The owner's name.
    let owner: String
    /// The names below the owner; empty for the owner's root group.
    let names: [String]

    /// Reads the path of a project group.
    /// - Throws: ``APIError`` with code `invalidPath`.
    init(group text: String) throws {
        try self.init(text, minimumParts: 2, form: "user/<username>[/<group>…]")
    }

    /// Reads the path of a project.
    /// - Throws: ``APIError`` with code `invalidPath`.
    init(project text: String) throws {
        try self.init(text, minimumParts: 3, form: "user/<username>[/<group>…]/<project>")
    }

    private init(_ text: String, minimumParts: Int, form: String) throws {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
        guard parts.count >= minimumParts, !parts.contains(""), let ownerKind = OwnerKind(rawValue: parts[0]) else {
            throw APIError(.badRequest, code: "invalidPath", "This path is not of the form \(form).")
        }
        guard parts.count <= Self.maximumDepth + 2 else {
            throw APIError(
                .badRequest,
                code: "invalidPath",
                "A path has at most \(Self.maximumDepth) names below its owner."
            )
        }
        self.ownerKind = ownerKind
        owner = parts[1]
        names = Array(parts.dropFirst(2))
    }
}
