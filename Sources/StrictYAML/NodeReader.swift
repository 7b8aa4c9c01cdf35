/// Reads one node as what it should be; says where and why when it is not.
///
/// Every reading answers nil after an error was recorded, so that the caller goes on and finds the next problem.
package struct NodeReader {
    /// The node.
    package let node: YAMLNode
    /// Where it stands in the tree.
    package let path: DocumentPath
    /// Where problems go.
    package let diagnostics: Diagnostics

    /// Starts at a node, mostly the root of a document.
    package init(_ node: YAMLNode, path: DocumentPath = .root, diagnostics: Diagnostics) {
        self.node = node
        self.path = path
        self.diagnostics = diagnostics
    }

    /// Whether the value is `null` or left empty.
    package var isNull: Bool { node.isNull }

    /// Text; a number or a boolean is refused unless `coercing`, then the text as written is taken.
    package func string(coercing: Bool = false) -> String? {
        guard case .scalar(let scalar) = node.content, scalar.value != .null else { return expected("text") }
        if scalar.value == .string || coercing { return scalar.text }
        return expected("text", hint: "; put it in quotes")
    }

    /// Text with at least one character.
    package func nonEmptyString(coercing: Bool = false) -> String? {
        guard let text = string(coercing: coercing) else { return nil }
        return text.isEmpty ? expected("text that is not empty") : text
    }

    /// A whole number within a range.
    package func integer(in range: ClosedRange<Int> = .min ... .max) -> Int? {
        guard case .scalar(let scalar) = node.content, case .int(let value) = scalar.value else {
            return expected("a whole number")
        }
        guard range.contains(value) else { return expected("a whole number \(Self.words(range))") }
        return value
    }

    /// A boolean.
    package func bool() -> Bool? {
        guard case .scalar(let scalar) = node.content, case .bool(let value) = scalar.value else {
            return expected("true or false")
        }
        return value
    }

    /// A duration such as `1h30m`; a plain number means nanoseconds where `numbersAreNanoseconds`, and is refused elsewhere.
    package func duration(numbersAreNanoseconds: Bool = false) -> Duration? {
        guard case .scalar(let scalar) = node.content else { return expected(DurationText.expectation) }
        switch scalar.value {
        case .int(let value) where numbersAreNanoseconds && value >= 0: return .nanoseconds(value)
        case .int(0): return .zero
        case .string:
            if let duration = DurationText.parse(scalar.text) { return duration }
        default: break
        }
        return expected(DurationText.expectation)
    }

    /// A size in bytes such as `64MiB`, or a number of bytes.
    package func byteSize() -> Int? {
        guard case .scalar(let scalar) = node.content, let size = ByteSizeText.parse(scalar.text) else {
            return expected(ByteSizeText.expectation)
        }
        return size
    }

    /// One word of several.
    package func enumeration<Word: RawRepresentable & CaseIterable>(
        _ type: Word.Type = Word.self
    ) -> Word? where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue)
        let choice = words.count == 1 ? "\"\(words[0])\"" : "one of " + words.joined(separator: ", ")
        guard case .scalar(let scalar) = node.content, scalar.value != .null else { return expected(choice) }
        if let word = Word(rawValue: scalar.text) { return word }
        return expected(choice, hint: Spelling.hint(for: scalar.text, among: words))
    }

    /// The elements of a list.
    package func list() -> [NodeReader]? {
        guard case .sequence(let nodes) = node.content else { return expected("a list") }
        return nodes.enumerated().map { index, node in
            NodeReader(node, path: path.index(index), diagnostics: diagnostics)
        }
    }

    /// A list of texts.
    package func strings(coercing: Bool = false) -> [String]? {
        list()?.compactMap { $0.string(coercing: coercing) }
    }

    /// A mapping whose keys are known; read its keys, then call ``MappingReader/finish()``.
    package func mapping() -> MappingReader? {
        guard case .mapping(let entries) = node.content else { return expected("a mapping") }
        return MappingReader(entries, at: node.position, path: path, diagnostics: diagnostics)
    }

    /// The values of a mapping whose keys are free, in the order of the document.
    package func entries() -> [(key: String, value: NodeReader)]? {
        guard case .mapping(let entries) = node.content else { return expected("a mapping") }
        return entries.map { entry in
            (entry.key, NodeReader(entry.value, path: path.key(entry.key), diagnostics: diagnostics))
        }
    }

    /// A mapping from free keys to texts.
    package func stringMap(coercing: Bool = false) -> [String: String]? {
        entries()?.reduce(into: [:]) { map, entry in
            map[entry.key] = entry.value.string(coercing: coercing)
        }
    }
}

extension NodeReader {
    /// Records an error here.
    package func error(_ message: String) {
        diagnostics.error(message, at: node.position, path: path.description)
    }

    /// Records a warning here.
    package func warning(_ message: String) {
        diagnostics.warning(message, at: node.position, path: path.description)
    }

    /// Records that something else was expected here.
    /// - Returns: nil, so that a reading can end with it.
    package func expected<Value>(_ what: String, hint: String = "") -> Value? {
        let place = path.label.isEmpty ? "" : " for \"\(path.label)\""
        error("expected \(what)\(place), found \(found)\(hint)")
        return nil
    }

    /// What stands here, for messages.
    package var found: String {
        switch node.content {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .scalar(let scalar):
            let text = scalar.text.count <= 40 ? scalar.text : scalar.text.prefix(37) + "..."
            switch scalar.value {
            case .string: return "the text \"\(text.replacing("\n", with: "\\n"))\""
            case .int, .double: return "the number \(text)"
            case .bool: return "the boolean \(text)"
            case .null: return "nothing"
            }
        }
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (let lower, .max): "of at least \(lower)"
        case (.min, let upper): "of at most \(upper)"
        case (let lower, let upper): "from \(lower) to \(upper)"
        }
    }
}
