/// An element of an answer of S3: a name, a text or children, no attributes.
struct XMLElement: Sendable, Equatable {
    /// The name without its namespace.
    var name: String
    /// The text directly in the element, entities replaced.
    var text = ""
    var children: [XMLElement] = []

    /// The first child of a name.
    func first(_ name: String) -> XMLElement? {
        children.first { $0.name == name }
    }

    /// The text of the first child of a name.
    subscript(_ name: String) -> String? { first(name)?.text }
}

/// Why bytes are no XML that we read.
struct XMLRefusal: Error, Equatable, CustomStringConvertible {
    let reason: String
    let offset: Int

    var description: String { "malformed XML at byte \(offset): \(reason)" }
}
