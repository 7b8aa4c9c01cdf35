/// Parses YAML, and so JSON, into a tree whose nodes know where they stand.
package enum YAMLDocument {
    /// What a document may cost; beyond it is refused.
    package struct Limits: Sendable {
        /// The document's size in bytes.
        package var bytes: Int
        /// How deep mappings and lists may be nested, aliases followed.
        package var depth: Int
        /// How many nodes the document may have, aliases followed: what refuses small documents that explode.
        package var nodes: Int

        /// Makes limits; the defaults fit files written by hand and by generators.
        package init(bytes: Int = 1 << 20, depth: Int = 64, nodes: Int = 200_000) {
            self.bytes = bytes
            self.depth = depth
            self.nodes = nodes
        }
    }

    /// Parses the one document of a file.
    ///
    /// An empty document is a `null` node. Duplicate keys and unknown tags are errors that do not end the parsing; the tree then
    /// still serves to find more of them.
    /// - Returns: nil when the text is not YAML or goes beyond the limits; the diagnostics say why.
    package static func parse(
        _ bytes: [UInt8],
        file: String,
        limits: Limits = Limits(),
        into diagnostics: Diagnostics
    ) -> YAMLNode? {
        guard bytes.count <= limits.bytes else {
            let start = SourcePosition(file: file, line: 1, column: 1)
            diagnostics.error("the document has \(bytes.count) bytes; at most \(limits.bytes) are allowed", at: start)
            return nil
        }
        return YAMLEvents.reading(bytes, file: file) { events in
            var composer = YAMLComposer(events: events, limits: limits, diagnostics: diagnostics)
            do throws(YAMLSyntaxError) {
                return try composer.document()
            } catch {
                diagnostics.error(error.message, at: error.position)
                return nil
            }
        }
    }

    /// Parses the one document of a text.
    package static func parse(
        _ text: String,
        file: String,
        limits: Limits = Limits(),
        into diagnostics: Diagnostics
    ) -> YAMLNode? {
        parse(Array(text.utf8), file: file, limits: limits, into: diagnostics)
    }
}
