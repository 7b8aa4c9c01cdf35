/// Encodes FastCGI records byte by byte, right and wrong ones.
struct RecordEncoder {
    var bytes: [UInt8] = []
    var id: UInt16 = 1

    /// A whole request that a web server might send.
    static func request(
        _ method: String = "GET",
        _ path: String,
        fields: [(String, String)] = [],
        body: [UInt8] = [],
        keep: Bool = false
    ) -> RecordEncoder {
        var encoder = RecordEncoder()
        encoder.begin(keep: keep)
        encoder.parameters([("REQUEST_METHOD", method), ("REQUEST_URI", path)] + fields)
        if !body.isEmpty { encoder.input(body) }
        encoder.input([])
        return encoder
    }

    mutating func begin(role: UInt16 = 1, keep: Bool = false) {
        record(1, [UInt8(role >> 8), UInt8(role & 0xff), keep ? 1 : 0, 0, 0, 0, 0, 0])
    }

    /// All pairs in records of at most `size` bytes, and the empty record that ends them.
    mutating func parameters(_ pairs: [(String, String)], recordSize size: Int = 0xffff) {
        let content = pairs.flatMap { Self.pair(Array($0.utf8), Array($1.utf8)) }
        for start in stride(from: 0, to: content.count, by: size) {
            record(4, Array(content[start..<min(start + size, content.count)]))
        }
        record(4, [])
    }

    mutating func input(_ content: [UInt8], recordSize size: Int = 0x7fff) {
        guard !content.isEmpty else { return record(5, []) }
        for start in stride(from: 0, to: content.count, by: size) {
            record(5, Array(content[start..<min(start + size, content.count)]))
        }
    }

    mutating func record(_ type: UInt8, _ content: [UInt8], version: UInt8 = 1, padding: UInt8? = nil) {
        let padding = padding ?? UInt8((8 - content.count % 8) % 8)
        let length = UInt16(content.count)
        bytes += [
            version, type, UInt8(id >> 8), UInt8(id & 0xff), UInt8(length >> 8), UInt8(length & 0xff), padding, 0,
        ]
        bytes += content + [UInt8](repeating: 0, count: Int(padding))
    }

    static func pair(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] {
        length(name.count) + length(value.count) + name + value
    }

    static func length(_ count: Int) -> [UInt8] {
        guard count > 127 else { return [UInt8(count)] }
        let bits = UInt32(count) | 0x8000_0000
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) }
    }
}
