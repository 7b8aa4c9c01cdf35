/// An open object; closed when it is released.
package protocol ObjectReader: Sendable {
    /// The object's size in bytes.
    var size: Int64 { get }

    /// How many bytes ``chunks(_:of:)`` asks for at once when nobody says.
    var chunkSize: Int64 { get }

    /// Bytes of a range; what lies beyond the end is left out.
    @concurrent func read(_ range: Range<Int64>) async throws -> [UInt8]
}

extension ObjectReader {
    /// A quarter of a mebibyte, which suits files.
    package var chunkSize: Int64 { 256 << 10 }

    /// The bytes of a range in chunks, read when asked for; nil means the whole object, or what suits the backend.
    package func chunks(_ range: Range<Int64>? = nil, of bytes: Int64? = nil) -> ObjectChunks {
        ObjectChunks(reader: self, range: (range ?? 0..<size).clamped(to: 0..<size), step: bytes ?? chunkSize)
    }
}

/// A range of an object, chunk by chunk.
package struct ObjectChunks: AsyncSequence, Sendable {
    let reader: any ObjectReader
    let range: Range<Int64>
    let step: Int64

    /// Starts at the range's beginning.
    package func makeAsyncIterator() -> Iterator { Iterator(reader: reader, rest: range, step: step) }

    /// Reads one chunk per call.
    package struct Iterator: AsyncIteratorProtocol {
        let reader: any ObjectReader
        var rest: Range<Int64>
        let step: Int64

        /// The next chunk, or nil at the end.
        package mutating func next() async throws -> [UInt8]? {
            guard !rest.isEmpty else { return nil }
            let end = Swift.min(rest.lowerBound + step, rest.upperBound)
            let chunk = try await reader.read(rest.lowerBound..<end)
            rest = end..<rest.upperBound
            return chunk
        }
    }
}
