// Yams' own composer is not used: it reports only the first of all duplicate keys, expands aliases without a bound where they
// are keys, and offers no way to its parser's events. Its libyaml does all we need.
internal import CYaml

/// What the parser meets next, in the order of the document.
struct YAMLEvent {
    enum Kind {
        case start
        case documentStart
        case alias(String)
        case scalar(String, isPlain: Bool, YAMLProperties)
        case sequenceStart(YAMLProperties)
        case mappingStart(YAMLProperties)
        case collectionEnd
        case documentEnd
        case end
    }

    let kind: Kind
    let position: SourcePosition
}

/// What may stand before a node: `&anchor` and `!tag`.
struct YAMLProperties {
    var anchor: String?
    var tag: String?
}

/// The text is not YAML, or not YAML that we accept.
struct YAMLSyntaxError: Error {
    let message: String
    let position: SourcePosition
}

/// Reads libyaml's events; lives inside ``reading(_:file:_:)`` only, where the parser and its input stay in their place.
struct YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    let file: String

    static func reading<Result>(_ bytes: [UInt8], file: String, _ body: (YAMLEvents) -> Result) -> Result {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        var parser = yaml_parser_t()
        return text.withUnsafeBufferPointer { input in
            withUnsafeMutablePointer(to: &parser) { parser in
                precondition(yaml_parser_initialize(parser) == 1, "out of memory")
                defer { yaml_parser_delete(parser) }
                yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
                yaml_parser_set_input_string(parser, input.baseAddress, input.count)
                return body(YAMLEvents(parser: parser, bytes: input, file: file))
            }
        }
    }

    func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(kind: Self.kind(of: event), position: position(event.start_mark))
    }

    private static func kind(of event: yaml_event_t) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: .start
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_ALIAS_EVENT: .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT: scalar(event.data.scalar)
        case YAML_SEQUENCE_START_EVENT:
            .sequenceStart(
                YAMLProperties(anchor: text(event.data.sequence_start.anchor), tag: text(event.data.sequence_start.tag))
            )
        case YAML_MAPPING_START_EVENT:
            .mappingStart(
                YAMLProperties(anchor: text(event.data.mapping_start.anchor), tag: text(event.data.mapping_start.tag))
            )
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: .collectionEnd
        case YAML_DOCUMENT_END_EVENT: .documentEnd
        default: .end
        }
    }

    private static func scalar(_ scalar: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar) -> YAMLEvent.Kind {
        let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        let properties = YAMLProperties(anchor: text(scalar.anchor), tag: text(scalar.tag))
        return .scalar(value, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, properties)
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func position(_ mark: yaml_mark_t) -> SourcePosition {
        SourcePosition(file: file, line: mark.line + 1, column: mark.column + 1)
    }
}

extension YAMLEvents {
    private func syntaxError() -> YAMLSyntaxError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        if parser.pointee.error == YAML_READER_ERROR {
            let offset = min(parser.pointee.problem_offset, bytes.count)
            return YAMLSyntaxError(message: Self.encodingMessage(problem), position: position(ofByte: offset))
        }
        let mark = parser.pointee.problem_mark
        let context = parser.pointee.context.map { String(cString: $0) }
        let message = YAMLSyntaxMessage.text(problem: problem, context: context, next: byte(at: mark))
        return YAMLSyntaxError(message: message, position: position(mark))
    }

    private static func encodingMessage(_ problem: String) -> String {
        problem.contains("control characters")
            ? "control characters are not allowed; write them as an escape in double quotes, such as \"\\x1b\""
            : "the document is not UTF-8 (\(problem))"
    }

    /// The character at a mark; libyaml counts characters, so the text is walked.
    private func byte(at mark: yaml_mark_t) -> UInt8? {
        var index = 0
        for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
            if index == mark.index { return bytes[offset] }
            index += 1
        }
        return nil
    }

    private func position(ofByte offset: Int) -> SourcePosition {
        let before = bytes[..<offset]
        let lineStart = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        let lines = before.count { $0 == UInt8(ascii: "\n") }
        let column = bytes[lineStart..<offset].count { $0 & 0xC0 != 0x80 }
        return SourcePosition(file: file, line: lines + 1, column: column + 1)
    }
}
