/// Looks at the first bytes of a request before libfcgi reads them.
///
/// The library trusts its peer: it blocks until a request is whole, allocates whatever a length field claims, and answers
/// management records into a buffer of fixed size. So bytes stay in the socket until a scan has found a whole and plain
/// head: one begin record, then parameters whose lengths add up. What nginx sends always passes.
struct HeadScanner {
    /// What the bytes are.
    enum Verdict: Equatable {
        /// The head goes on behind the bytes seen.
        case incomplete
        /// The head is whole; reading it never blocks. The body may be whole as well.
        case complete(bodyIsComplete: Bool)
        /// No web server sends this; the reason is for the log.
        case refused(String)
    }

    private enum RecordType: UInt8 {
        case begin = 1
        case parameters = 4
        case input = 5
    }

    private struct Record {
        let type: RecordType
        let id: UInt16
        let content: Range<Int>
        let end: Int
    }

    private enum Next {
        case record(Record)
        case cut
        case refused(String)
    }

    private let bytes: UnsafeRawBufferPointer
    private let limit: Int

    /// Judges `bytes`, the start of a request.
    /// - Parameters:
    ///   - bytes: what has arrived, as far as it was looked at.
    ///   - limit: the most bytes that a head may have.
    /// - Returns: whether libfcgi may read them.
    static func scan(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Verdict {
        Self(bytes: bytes, limit: limit).verdict()
    }

    private func verdict() -> Verdict {
        switch record(at: 0) {
        case .refused(let reason): return .refused(reason)
        case .cut: return .incomplete
        case .record(let record):
            guard record.type == .begin else { return .refused("first record is not a begin record") }
            guard record.content.count == 8, record.id != 0 else { return .refused("malformed begin record") }
            guard bytes[8] == 0, bytes[9] == 1 else { return .refused("role is not responder") }
            return parameters(from: record.end, id: record.id)
        }
    }

    private func parameters(from start: Int, id: UInt16) -> Verdict {
        var position = start
        var pairs = ParameterLengths()
        while true {
            guard position <= limit else { return .refused("parameters are larger than \(limit) bytes") }
            switch record(at: position) {
            case .refused(let reason): return .refused(reason)
            case .cut: return bytes.count > limit ? .refused("parameters are larger than \(limit) bytes") : .incomplete
            case .record(let record):
                guard record.type == .parameters, record.id == id else {
                    return .refused("record among the parameters")
                }
                if record.content.isEmpty {
                    return pairs.isWhole ? body(from: record.end, id: id) : .refused("parameters end inside a pair")
                }
                pairs.consume(bytes[record.content])
                if pairs.claimed > limit { return .refused("parameter claims more than \(limit) bytes") }
                position = record.end
            }
        }
    }

    private func body(from start: Int, id: UInt16) -> Verdict {
        var position = start
        while true {
            switch record(at: position) {
            case .refused(let reason): return .refused(reason)
            case .cut: return .complete(bodyIsComplete: false)
            case .record(let record):
                guard record.type == .input, record.id == id else { return .refused("record inside the body") }
                position = record.end
                guard record.content.isEmpty else { continue }
                return position == bytes.count ? .complete(bodyIsComplete: true) : .refused("bytes after the request")
            }
        }
    }

    /// The record that starts at `position`, header by header as in the FastCGI specification, section 3.3.
    private func record(at position: Int) -> Next {
        guard position < bytes.count else { return .cut }
        guard bytes[position] == 1 else { return .refused("protocol version is not 1") }
        guard position + 8 <= bytes.count else { return .cut }
        guard let type = RecordType(rawValue: bytes[position + 1]) else {
            return .refused("unexpected record type \(bytes[position + 1])")
        }
        let id = UInt16(bytes[position + 2]) << 8 | UInt16(bytes[position + 3])
        let length = Int(bytes[position + 4]) << 8 | Int(bytes[position + 5])
        let content = position + 8..<position + 8 + length
        let end = content.upperBound + Int(bytes[position + 6])
        guard end <= bytes.count else { return .cut }
        return .record(Record(type: type, id: id, content: content, end: end))
    }
}
