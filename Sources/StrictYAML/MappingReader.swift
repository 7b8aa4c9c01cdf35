/// Reads a mapping key by key and knows in the end which keys nobody asked for.
package final class MappingReader {
    /// Where the mapping begins.
    package let position: SourcePosition
    /// Where it stands in the tree.
    package let path: DocumentPath
    /// Where problems go.
    package let diagnostics: Diagnostics
    private let entries: [YAMLEntry]
    private let places: [String: Int]
    private var known: [String] = []
    private var used: Set<Int> = []

    init(_ entries: [YAMLEntry], at position: SourcePosition, path: DocumentPath, diagnostics: Diagnostics) {
        self.entries = entries
        self.position = position
        self.path = path
        self.diagnostics = diagnostics
        places = Dictionary(entries.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The keys in the order of the document.
    package var keys: [String] { entries.map(\.key) }

    /// The value of a key, also an empty one; nil when the key is absent.
    package func value(_ key: String) -> NodeReader? {
        if !known.contains(key) { known.append(key) }
        guard let index = places[key] ?? indexIgnoringCase(key) else { return nil }
        used.insert(index)
        return NodeReader(entries[index].value, path: path.key(key), diagnostics: diagnostics)
    }

    /// The value of a key; nil when the key is absent or its value is left empty.
    package func optional(_ key: String) -> NodeReader? {
        guard let value = value(key), !value.isNull else { return nil }
        return value
    }

    /// The value of a key that must be there; its absence is an error.
    package func required(_ key: String) -> NodeReader? {
        guard let value = value(key) else {
            error("the key \"\(key)\" is missing")
            return nil
        }
        guard value.isNull else { return value }
        value.error("\"\(value.path.label)\" is empty")
        return nil
    }

    /// Names a key that is dealt with elsewhere, so that it is not reported as unknown.
    package func ignore(_ key: String) {
        _ = value(key)
    }

    /// Where a key stands; the mapping itself when the key is absent.
    package func position(of key: String) -> SourcePosition {
        places[key].map { entries[$0].position } ?? position
    }

    /// Reports every key that was not asked for, with the known key that was probably meant.
    ///
    /// The rules say how severe that is, unless it is given.
    package func finish(unknownKeys severity: Diagnostic.Severity? = nil) {
        let severity = severity ?? diagnostics.rules.unknownKeys
        for (index, entry) in entries.enumerated() where !used.contains(index) {
            // A hint costs more than a key; a document of a million unknown keys gets no million hints.
            let isFull = diagnostics.isFull(severity)
            let free = isFull ? [] : known.filter { places[$0] == nil }
            let hint = Spelling.hint(for: entry.key, among: isFull || !free.isEmpty ? free : known)
            let shown = entry.key.count <= 60 ? entry.key : entry.key.prefix(57) + "..."
            diagnostics.add(
                Diagnostic(
                    severity,
                    at: entry.position,
                    path: path.key(entry.key).description,
                    "unknown key \"\(shown)\"\(hint)"
                )
            )
        }
    }

    /// Records an error at the beginning of the mapping.
    package func error(_ message: String) {
        diagnostics.error(message, at: position, path: path.description)
    }

    private func indexIgnoringCase(_ key: String) -> Int? {
        guard diagnostics.rules.ignoresKeyCase else { return nil }
        guard let index = entries.firstIndex(where: { $0.key.lowercased() == key.lowercased() }) else { return nil }
        diagnostics.warning(
            "the key \"\(entries[index].key)\" is taken as \"\(key)\"; write it so",
            at: entries[index].position,
            path: path.key(key).description
        )
        return index
    }
}
