/// The framing of git's protocols (gitprotocol-common): four hexadecimal digits of length, themselves included, then data.
enum PacketLine: Equatable, Sendable {
    /// Data, possibly none.
    case data(ArraySlice<UInt8>)
    /// `0000`: the end of a list.
    case flush
    /// `0001` or `0002`: other marks of protocol version 2.
    case mark

    /// Not a packet line.
    struct Malformed: Error, Equatable {}

    /// The most bytes of a packet, its length included.
    static let maximumLength = 65_520

    /// Takes the first packet off `bytes`; nil when it has not arrived whole.
    /// - Throws: ``Malformed`` when the length is no number or impossible.
    static func takeFirst(from bytes: inout ArraySlice<UInt8>) throws(Malformed) -> PacketLine? {
        guard bytes.count >= 4 else { return nil }
        let length = try length(of: bytes.prefix(4))
        switch length {
        case 0, 1, 2:
            bytes = bytes.dropFirst(4)
            return length == 0 ? .flush : .mark
        case 4...maximumLength:
            guard bytes.count >= length else { return nil }
            let data = bytes.prefix(length).dropFirst(4)
            bytes = bytes.dropFirst(length)
            return .data(data)
        default:
            throw Malformed()
        }
    }

    /// Frames data, which must be shorter than ``maximumLength``.
    static func encode(_ text: String) -> [UInt8] {
        let hex = String(text.utf8.count + 4, radix: 16)
        return Array((String(repeating: "0", count: 4 - hex.count) + hex + text).utf8)
    }

    private static func length(of digits: ArraySlice<UInt8>) throws(Malformed) -> Int {
        var length = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): length = length << 4 | Int(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): length = length << 4 | Int(digit - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): length = length << 4 | Int(digit - UInt8(ascii: "A") + 10)
            default: throw Malformed()
            }
        }
        return length
    }
}
