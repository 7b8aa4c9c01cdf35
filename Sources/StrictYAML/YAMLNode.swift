/// A piece of a parsed document that knows where it stands.
///
/// A node behind an alias keeps the position of its anchor's definition, where its author has to look.
package struct YAMLNode: Sendable {
    /// What a node holds.
    package enum Content: Sendable {
        /// Keys with their values, in the order of the document and without duplicates; merge keys are resolved.
        case mapping([YAMLEntry])
        /// A list.
        case sequence([YAMLNode])
        /// Text, a number, a boolean or nothing.
        case scalar(YAMLScalar)
    }

    /// What the node holds.
    package var content: Content
    /// Where it begins.
    package var position: SourcePosition

    /// Makes a node.
    package init(_ content: Content, at position: SourcePosition) {
        self.content = content
        self.position = position
    }

    /// A node for `text` written unquoted in a document: numbers, booleans and `null` are recognised.
    package static func plain(_ text: String, at position: SourcePosition) -> YAMLNode {
        YAMLNode(.scalar(YAMLScalar(plain: text)), at: position)
    }

    /// Whether the node is `null`, `~` or left empty.
    package var isNull: Bool {
        guard case .scalar(let scalar) = content else { return false }
        return scalar.value == .null
    }

    /// The value of a key of a mapping.
    package subscript(key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// Sets the value at a path of keys, making the mappings on the way: how settings from elsewhere overlay a file.
    ///
    /// What stands on the way and is not a mapping is replaced.
    package mutating func set(_ value: YAMLNode, at keys: some Collection<String>) {
        guard let key = keys.first else {
            self = value
            return
        }
        var entries: [YAMLEntry] = []
        if case .mapping(let existing) = content { entries = existing }
        let index = entries.firstIndex { $0.key == key }
        var child = index.map { entries[$0].value } ?? YAMLNode(.mapping([]), at: value.position)
        child.set(value, at: keys.dropFirst())
        if let index {
            entries[index].value = child
        } else {
            entries.append(YAMLEntry(key: key, position: value.position, value: child))
        }
        content = .mapping(entries)
    }
}

/// One key of a mapping with its value.
package struct YAMLEntry: Sendable {
    /// The key as written, quotes removed: `8080` and `on` are the texts `8080` and `on`.
    package var key: String
    /// Where the key begins.
    package var position: SourcePosition
    /// The value.
    package var value: YAMLNode

    /// Makes an entry.
    package init(key: String, position: SourcePosition, value: YAMLNode) {
        self.key = key
        self.position = position
        self.value = value
    }
}
