/// Finds where each of several JSON objects ends that stand one after another, without reading them.
struct JSONObjectSplitter {
    private var position = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// Whether no object has begun.
    var isOutside: Bool { depth == 0 }

    /// The bytes of `buffer` up to the end of its first object; nil when that has not arrived.
    ///
    /// The caller removes them before the next call, and only ever appends otherwise.
    mutating func next(in buffer: [UInt8]) -> Int? {
        while position < buffer.count {
            let byte = buffer[position]
            position += 1
            if isInString {
                step(within: byte)
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 { return end() }
            default: break
            }
        }
        return nil
    }

    private mutating func step(within byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }

    private mutating func end() -> Int {
        defer { self = JSONObjectSplitter() }
        return position
    }
}

extension UInt8 {
    /// Whether JSON allows the byte between two values.
    var isJSONSpace: Bool { self == 0x20 || (0x09...0x0A).contains(self) || self == 0x0D }
}
