/// The way from the root of a document to a node, printed as `runs[0].tasks[1].name`.
package struct DocumentPath: Sendable, Hashable, CustomStringConvertible {
    private var text: String
    /// The last key with the indices after it, for messages.
    package private(set) var label: String

    /// The root.
    package static let root = DocumentPath(text: "", label: "")

    private init(text: String, label: String) {
        self.text = text
        self.label = label
    }

    /// The path to a key's value.
    package func key(_ key: String) -> Self {
        let shown = key.utf8.count <= 60 ? key : key.prefix(57) + "..."
        return Self(text: text.isEmpty ? shown : "\(text).\(shown)", label: shown)
    }

    /// The path to an element of a list.
    package func index(_ index: Int) -> Self {
        Self(text: "\(text)[\(index)]", label: "\(label)[\(index)]")
    }

    /// The whole path.
    package var description: String { text }
}
