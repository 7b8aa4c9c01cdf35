/// Walks over name-value pairs, which may be cut anywhere between records, and adds up what their lengths claim.
///
/// A length is one byte below 128, or four bytes with the top bit set (FastCGI specification, section 3.4).
struct ParameterLengths {
    private enum Place {
        case nameLength
        case valueLength(name: Int)
        case text
    }

    private var place = Place.nameLength
    private var partial = 0
    private var missing = 0
    private var skipped = 0

    /// The bytes that the pair at hand still claims.
    var claimed: Int { skipped }

    /// Whether the bytes so far end between two pairs.
    var isWhole: Bool {
        guard case .nameLength = place else { return false }
        return missing == 0
    }

    /// Goes on with the next bytes.
    mutating func consume(_ bytes: Slice<UnsafeRawBufferPointer>) {
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if case .text = place {
                let step = min(skipped, bytes.endIndex - position)
                skipped -= step
                position += step
                if skipped == 0 { place = .nameLength }
                continue
            }
            if let length = length(adding: bytes[position]) { finish(length) }
            position += 1
        }
    }

    private mutating func length(adding byte: UInt8) -> Int? {
        if missing > 0 {
            partial = partial << 8 | Int(byte)
            missing -= 1
            return missing == 0 ? partial : nil
        }
        guard byte & 0x80 != 0 else { return Int(byte) }
        partial = Int(byte & 0x7f)
        missing = 3
        return nil
    }

    private mutating func finish(_ length: Int) {
        guard case .valueLength(let name) = place else {
            place = .valueLength(name: length)
            return
        }
        skipped = name + length
        place = skipped == 0 ? .nameLength : .text
    }
}
