import TestSupport

extension SeededGenerator {
    /// Cuts bytes into random pieces, none empty.
    mutating func pieces(of bytes: [UInt8], longest: Int) -> [[UInt8]] {
        var rest = bytes[...]
        var pieces: [[UInt8]] = []
        while !rest.isEmpty {
            let count = Int.random(in: 1...longest, using: &self)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
