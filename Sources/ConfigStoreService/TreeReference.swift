/// How a request names a project or project group: by id, or by the names on the way from its owner.
enum TreeReference: Sendable, Equatable {
    /// An identity.
    case id(String)
    /// A path.
    case path(TreePath)

    /// Reads the reference of a project group: anything with a slash is a path.
    /// - Throws: ``APIError`` with code `invalidPath` when a path is malformed.
    init(group text: String) throws {
        self = try text.utf8.contains(UInt8(ascii: "/")) ? .path(TreePath(group: text)) : .id(text)
    }

    /// Reads the reference of a project: anything with a slash is a path.
    /// - Throws: ``APIError`` with code `invalidPath` when a path is malformed.
    init(project text: String) throws {
        self = try text.utf8.contains(UInt8(ascii: "/")) ? .path(TreePath(project: text)) : .id(text)
    }
}
