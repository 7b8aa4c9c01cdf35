import Glibc
import TestSupport

/// An endless stream of bytes in which a lost, doubled or swapped piece shows; compared by `memcmp`, so that gigabytes are cheap
/// without optimisation, too.
struct PatternBytes {
    /// A prime, so that no buffer size divides it.
    private static let period = 131_071
    private static let table: [UInt8] = {
        var random = SeededGenerator(seed: 7)
        let once = (0..<period).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        return once + once
    }()

    private(set) var offset = 0
    private(set) var isIntact = true

    /// The next bytes of the stream, at most 128 KiB.
    mutating func next(_ count: Int = 131_071) -> [UInt8] {
        let start = offset % Self.period
        offset += count
        return Array(Self.table[start..<start + count])
    }

    /// Compares what arrived with what should come next.
    mutating func check(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.period)
            let expected = next(piece.count)
            isIntact = isIntact && expected.elementsEqual(UnsafeRawBufferPointer(rebasing: piece), count: piece.count)
            rest = rest.dropFirst(piece.count)
        }
    }
}

extension [UInt8] {
    fileprivate func elementsEqual(_ other: UnsafeRawBufferPointer, count: Int) -> Bool {
        withUnsafeBytes { mine in
            guard let left = mine.baseAddress, let right = other.baseAddress else { return count == 0 }
            return memcmp(left, right, count) == 0
        }
    }
}

/// The pattern in chunks of about 128 KiB, as a request body.
struct PatternSequence: AsyncSequence, Sendable {
    typealias Failure = any Error
    let byteCount: Int
    var onSent: @Sendable (Int) -> Void = { _ in }

    struct Iterator: AsyncIteratorProtocol {
        let sequence: PatternSequence
        var pattern = PatternBytes()

        mutating func next() async throws -> [UInt8]? {
            let count = Swift.min(131_071, sequence.byteCount - pattern.offset)
            guard count > 0 else { return nil }
            sequence.onSent(count)
            return pattern.next(count)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }
}
