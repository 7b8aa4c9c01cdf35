import HTTPTypes

/// The first part of an answer.
struct ResponseHead: Sendable {
    var status: Int
    var headers: HTTPFields
}

/// Puts a response head together from its lines.
///
/// Interim heads (status 1xx) are passed over; lines after the head are trailers and ignored.
struct HeadParser {
    enum Progress {
        case more
        case complete(ResponseHead)
        case malformed
        case tooLarge
    }

    /// All lines together, interim heads included, so that a server cannot fill the memory.
    static let limit = 64 << 10

    private var status = 0
    private var lines: [(name: HTTPField.Name, value: [UInt8])] = []
    private var size = 0
    /// Whether a final head was seen.
    private(set) var isComplete = false

    /// Takes one line with its line end.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Progress {
        guard !isComplete else { return .more }
        size += line.count
        guard size <= Self.limit else { return .tooLarge }
        let line = Self.withoutLineEnd(line[...])
        if line.isEmpty { return finishHead() }
        if line.starts(with: Array("HTTP/".utf8)) { return takeStatus(line) }
        return takeField(line)
    }

    private mutating func finishHead() -> Progress {
        guard status >= 200 else { return .more }
        isComplete = true
        var headers = HTTPFields()
        headers.reserveCapacity(lines.count)
        for line in lines { headers.append(HTTPField(name: line.name, lenientValue: line.value)) }
        return .complete(ResponseHead(status: status, headers: headers))
    }

    private mutating func takeStatus(_ line: Slice<UnsafeRawBufferPointer>) -> Progress {
        lines = []
        let digits = line.drop { $0 != UInt8(ascii: " ") }.dropFirst().prefix { $0 != UInt8(ascii: " ") }
        guard digits.count == 3, let status = Int(String(decoding: digits, as: UTF8.self)), status >= 100 else {
            return .malformed
        }
        self.status = status
        return .more
    }

    private mutating func takeField(_ line: Slice<UnsafeRawBufferPointer>) -> Progress {
        if let first = line.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") {
            guard let last = lines.indices.last else { return .malformed }
            lines[last].value += [UInt8(ascii: " ")] + Self.trimmed(line)
            return .more
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
            let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
        else { return .malformed }
        lines.append((name, Array(Self.trimmed(line[line.index(after: colon)...]))))
        return .more
    }

    private static func withoutLineEnd(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
