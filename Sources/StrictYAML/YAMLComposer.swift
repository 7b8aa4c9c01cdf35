/// Builds the tree from the parser's events, within the limits.
///
/// An alias shares the tree of its anchor; its size and height are counted as if it were written out, so that the cost of every
/// later walk over the tree is bounded.
struct YAMLComposer {
    private struct Built {
        var node: YAMLNode
        var size = 1
        var height = 0

        mutating func add(_ child: Self) {
            size += child.size
            height = max(height, child.height + 1)
        }
    }

    private struct Key {
        var text: String?
        var isMerge: Bool
        var position: SourcePosition
    }

    private let events: YAMLEvents
    private let limits: YAMLDocument.Limits
    private let diagnostics: Diagnostics
    private var anchors: [String: Built] = [:]
    private var open: Set<String> = []
    private var total = 0

    init(events: YAMLEvents, limits: YAMLDocument.Limits, diagnostics: Diagnostics) {
        self.events = events
        self.limits = limits
        self.diagnostics = diagnostics
    }

    mutating func document() throws(YAMLSyntaxError) -> YAMLNode {
        var event = try events.next()
        if case .start = event.kind { event = try events.next() }
        if case .end = event.kind {
            return .plain("", at: SourcePosition(file: events.file, line: 1, column: 1))
        }
        let root = try build(try events.next(), depth: 0).node
        _ = try events.next()
        let after = try events.next()
        guard case .end = after.kind else {
            throw YAMLSyntaxError(
                message: "a second document begins here; a file holds one only",
                position: after.position
            )
        }
        return root
    }

    private mutating func build(_ event: YAMLEvent, depth: Int) throws(YAMLSyntaxError) -> Built {
        try count(1, at: event.position)
        switch event.kind {
        case .alias(let name): return try alias(name, at: event.position, depth: depth)
        case .scalar(let text, let isPlain, let properties):
            let scalar = scalar(text, isPlain: isPlain, tag: properties.tag, at: event.position)
            return define(properties.anchor, Built(node: YAMLNode(.scalar(scalar), at: event.position)))
        case .sequenceStart(let properties):
            try enter(properties, depth: depth, tag: "seq", at: event.position)
            return define(properties.anchor, try sequence(at: event.position, depth: depth + 1))
        case .mappingStart(let properties):
            try enter(properties, depth: depth, tag: "map", at: event.position)
            return define(properties.anchor, try mapping(at: event.position, depth: depth + 1))
        default: throw YAMLSyntaxError(message: "expected a value", position: event.position)
        }
    }

    private mutating func sequence(at position: SourcePosition, depth: Int) throws(YAMLSyntaxError) -> Built {
        var built = Built(node: YAMLNode(.sequence([]), at: position))
        var elements: [YAMLNode] = []
        var event = try events.next()
        while !event.isCollectionEnd {
            let element = try build(event, depth: depth)
            built.add(element)
            elements.append(element.node)
            event = try events.next()
        }
        built.node.content = .sequence(elements)
        return built
    }

    private mutating func mapping(at position: SourcePosition, depth: Int) throws(YAMLSyntaxError) -> Built {
        var built = Built(node: YAMLNode(.mapping([]), at: position))
        var entries: [YAMLEntry] = []
        var places: [String: Int] = [:]
        var merged: [YAMLEntry] = []
        var event = try events.next()
        while !event.isCollectionEnd {
            let key = try key(event, depth: depth)
            let value = try build(try events.next(), depth: depth)
            built.add(value)
            if key.isMerge {
                merged += mergedEntries(value.node)
                try count(value.size, at: key.position)
            } else if let text = key.text {
                add(YAMLEntry(key: text, position: key.position, value: value.node), to: &entries, &places)
            }
            event = try events.next()
        }
        for entry in merged where places[entry.key] == nil {
            places[entry.key] = entries.count
            entries.append(entry)
        }
        built.node.content = .mapping(entries)
        return built
    }

    private func add(_ entry: YAMLEntry, to entries: inout [YAMLEntry], _ places: inout [String: Int]) {
        if let first = places[entry.key] {
            let there = entries[first].position
            let message =
                "duplicate key \"\(entry.key)\"; it is already given at line \(there.line), column \(there.column)"
            diagnostics.error(message, at: entry.position)
            return
        }
        places[entry.key] = entries.count
        entries.append(entry)
    }

    private mutating func key(_ event: YAMLEvent, depth: Int) throws(YAMLSyntaxError) -> Key {
        let node = try build(event, depth: depth).node
        var key = Key(text: nil, isMerge: false, position: event.position)
        guard case .scalar(let scalar) = node.content else {
            diagnostics.error("a key must be text, not a list or a mapping", at: event.position)
            return key
        }
        guard !scalar.text.isEmpty else {
            diagnostics.error("a key is missing before \":\"", at: event.position)
            return key
        }
        key.text = scalar.text
        if case .scalar("<<", isPlain: true, _) = event.kind { key.isMerge = true }
        return key
    }

    /// The entries that a merge key (`<<`) brings in: those of one mapping, or of several of which the earlier win.
    private func mergedEntries(_ node: YAMLNode) -> [YAMLEntry] {
        switch node.content {
        case .mapping(let entries): return entries
        case .sequence(let nodes):
            return nodes.flatMap { element -> [YAMLEntry] in
                if case .mapping(let entries) = element.content { return entries }
                diagnostics.error("a merge key (<<) takes mappings only", at: element.position)
                return []
            }
        case .scalar:
            diagnostics.error("a merge key (<<) takes a mapping or a list of mappings", at: node.position)
            return []
        }
    }
}

extension YAMLComposer {
    private mutating func alias(
        _ name: String,
        at position: SourcePosition,
        depth: Int
    ) throws(YAMLSyntaxError) -> Built {
        guard !open.contains(name) else {
            throw YAMLSyntaxError(message: "the alias *\(name) stands inside its own anchor", position: position)
        }
        guard let built = anchors[name] else {
            throw YAMLSyntaxError(message: "the alias *\(name) has no anchor &\(name) before it", position: position)
        }
        try count(built.size, at: position)
        try checkDepth(depth + built.height, at: position)
        return built
    }

    private mutating func enter(
        _ properties: YAMLProperties,
        depth: Int,
        tag: String,
        at position: SourcePosition
    ) throws(YAMLSyntaxError) {
        try checkDepth(depth + 1, at: position)
        if let anchor = properties.anchor { open.insert(anchor) }
        if let given = properties.tag, given != "!", given != Self.prefix + tag { refuse(tag: given, at: position) }
    }

    private mutating func define(_ anchor: String?, _ built: Built) -> Built {
        if let anchor {
            open.remove(anchor)
            anchors[anchor] = built
        }
        return built
    }

    private mutating func count(_ nodes: Int, at position: SourcePosition) throws(YAMLSyntaxError) {
        total += nodes
        guard total > limits.nodes else { return }
        throw YAMLSyntaxError(
            message: "the document has more than \(limits.nodes) values when its aliases are followed",
            position: position
        )
    }

    private func checkDepth(_ depth: Int, at position: SourcePosition) throws(YAMLSyntaxError) {
        guard depth > limits.depth else { return }
        throw YAMLSyntaxError(
            message: "the document is nested too deeply; at most \(limits.depth) levels are allowed",
            position: position
        )
    }

    private static let prefix = "tag:yaml.org,2002:"

    private func scalar(_ text: String, isPlain: Bool, tag: String?, at position: SourcePosition) -> YAMLScalar {
        switch tag {
        case nil: return isPlain ? YAMLScalar(plain: text) : YAMLScalar(quoted: text)
        case "!", Self.prefix + "str": return YAMLScalar(quoted: text)
        case Self.prefix + "int", Self.prefix + "float", Self.prefix + "bool", Self.prefix + "null":
            return YAMLScalar(plain: text)
        case .some(let tag):
            refuse(tag: tag, at: position)
            return YAMLScalar(quoted: text)
        }
    }

    private func refuse(tag: String, at position: SourcePosition) {
        let short = tag.hasPrefix(Self.prefix) ? "!!" + tag.dropFirst(Self.prefix.count) : tag
        diagnostics.error("the tag \(short) is not known here", at: position)
    }
}

extension YAMLEvent {
    fileprivate var isCollectionEnd: Bool {
        if case .collectionEnd = kind { return true }
        return false
    }
}
