/// Reads the XML that S3 answers with, and refuses everything else: no document type, so no entities but the five of XML itself and
/// numbers; no processing instructions; bounded depth, and as large as the caller lets the bytes be.
struct XMLReader {
    private static let depthLimit = 16
    private static let nameLimit = 128

    private let bytes: [UInt8]
    private var position = 0

    /// Reads a document.
    static func read(_ bytes: [UInt8]) throws(XMLRefusal) -> XMLElement {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw XMLRefusal(reason: "not UTF-8", offset: 0) }
        var reader = XMLReader(bytes: bytes)
        return try reader.document()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func document() throws(XMLRefusal) -> XMLElement {
        _ = take("\u{feff}")
        if take("<?xml") {
            guard let end = find("?>"), end - position < 200 else { throw refused("an endless declaration") }
            position = end + 2
        }
        try skipBetween()
        guard peek("<") else { throw refused("no element") }
        let root = try element(depth: 1)
        try skipBetween()
        guard position == bytes.count else { throw refused("something after the element") }
        return root
    }

    private mutating func element(depth: Int) throws(XMLRefusal) -> XMLElement {
        guard depth <= Self.depthLimit else { throw refused("too deep") }
        try expect("<")
        let name = try self.name()
        var element = XMLElement(name: Self.local(name))
        if try attributes() { return element }
        var text: [UInt8] = []
        while true {
            try characters(into: &text)
            if take("</") {
                guard try self.name() == name else { throw refused("</\(name)> is missing") }
                skipSpace()
                try expect(">")
                element.text = String(decoding: text, as: UTF8.self)
                return element
            } else if take("<!--") {
                try skipComment()
            } else if take("<![CDATA[") {
                guard let end = find("]]>") else { throw refused("endless CDATA") }
                text += bytes[position..<end]
                position = end + 3
            } else {
                element.children.append(try self.element(depth: depth + 1))
            }
        }
    }

    /// Passes over attributes, which S3 uses for namespaces only.
    /// - Returns: whether the element is empty.
    private mutating func attributes() throws(XMLRefusal) -> Bool {
        while true {
            let hadSpace = skipSpace()
            if take("/>") { return true }
            if take(">") { return false }
            guard hadSpace else { throw refused("an attribute without space before it") }
            _ = try name()
            skipSpace()
            try expect("=")
            skipSpace()
            let quote = take("\"") ? UInt8(ascii: "\"") : UInt8(ascii: "'")
            if quote == UInt8(ascii: "'") { try expect("'") }
            guard let end = bytes[position...].firstIndex(of: quote), !bytes[position..<end].contains(UInt8(ascii: "<"))
            else { throw refused("an endless attribute") }
            position = end + 1
        }
    }

    /// Takes text up to the next tag.
    private mutating func characters(into text: inout [UInt8]) throws(XMLRefusal) {
        while true {
            guard position < bytes.count else { throw refused("the end is missing") }
            let byte = bytes[position]
            if byte == UInt8(ascii: "<") { return }
            if byte == UInt8(ascii: "&") {
                try entity(into: &text)
                continue
            }
            guard byte >= 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else {
                throw refused("a control character")
            }
            text.append(byte)
            position += 1
        }
    }

    private mutating func entity(into text: inout [UInt8]) throws(XMLRefusal) {
        guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw refused("an endless entity")
        }
        let name = String(decoding: bytes[position + 1..<end], as: UTF8.self)
        guard let scalar = Self.scalar(of: name) else { throw refused("the entity &\(name);") }
        text += Array(String(scalar).utf8)
        position = end + 1
    }

    private static func scalar(of entity: String) -> Unicode.Scalar? {
        switch entity {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        let digits: (Substring, Int)? =
            entity.hasPrefix("#x") ? (entity.dropFirst(2), 16) : entity.hasPrefix("#") ? (entity.dropFirst(), 10) : nil
        guard let (digits, radix) = digits, digits.first?.isHexDigit == true, let code = UInt32(digits, radix: radix),
            code >= 0x20 || [0x09, 0x0A, 0x0D].contains(code)
        else { return nil }
        return Unicode.Scalar(code)
    }

    // MARK: - Pieces

    private mutating func name() throws(XMLRefusal) -> String {
        let rest = bytes[position...].prefix(Self.nameLimit + 1)
        let name = rest.prefix(while: Self.isNameByte)
        guard let first = name.first, name.count <= Self.nameLimit, first > UInt8(ascii: "9") else {
            throw refused("a name is missing")
        }
        position += name.count
        return String(decoding: name, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    private static func local(_ name: String) -> String {
        name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name
    }

    private mutating func skipBetween() throws(XMLRefusal) {
        while true {
            skipSpace()
            guard take("<!--") else { return }
            try skipComment()
        }
    }

    private mutating func skipComment() throws(XMLRefusal) {
        guard let end = find("-->") else { throw refused("an endless comment") }
        position = end + 3
    }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        let start = position
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return position > start
    }

    private func peek(_ text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }

    private mutating func take(_ text: String) -> Bool {
        guard peek(text) else { return false }
        position += text.utf8.count
        return true
    }

    private mutating func expect(_ text: String) throws(XMLRefusal) {
        guard take(text) else { throw refused("\(text) is missing") }
    }

    private func find(_ text: String) -> Int? {
        let wanted = Array(text.utf8)
        var index = position
        while index + wanted.count <= bytes.count {
            if bytes[index..<index + wanted.count].elementsEqual(wanted) { return index }
            index += 1
        }
        return nil
    }

    private func refused(_ reason: String) -> XMLRefusal {
        XMLRefusal(reason: reason, offset: position)
    }
}
