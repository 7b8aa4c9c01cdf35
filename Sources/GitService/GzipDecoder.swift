import Base
import CZlib

/// Unpacks a gzip body piece by piece, so that memory does not depend on what it unpacks to.
final class GzipDecoder {
    /// Not gzip, or more than one may unpack to.
    enum Refusal: Error, Equatable {
        case malformed
        case tooLarge
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let limit: Int
    private var unpacked = 0
    private(set) var isAtEnd = false

    /// The most bytes ``next()`` returns at once.
    static let pieceSize = 64 << 10

    /// Starts a body that may unpack to `limit` bytes.
    /// - Throws: ``Failure`` when there is no memory.
    init(limit: Int) throws {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, plus 16 for the gzip format alone (zlib.h, inflateInit2).
        guard czlib_inflate_init(stream, 15 + 16) == Z_OK else {
            // No property is set yet, so deinit does not free the memory again.
            stream.deallocate()
            throw Failure("cannot start zlib")
        }
        self.limit = limit
        self.stream = stream
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Unpacks one piece and removes what it was made of from `input`; empty when more input is needed, or at the end.
    func next(from input: inout ArraySlice<UInt8>) throws(Refusal) -> [UInt8] {
        guard !isAtEnd else {
            guard input.isEmpty else { throw .malformed }
            return []
        }
        var result: Int32 = Z_OK
        var consumed = 0
        let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
            input.withUnsafeBufferPointer { source in
                // zlib reads through this pointer and never writes.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                result = inflate(stream, Z_NO_FLUSH)
                consumed = source.count - Int(stream.pointee.avail_in)
                count = output.count - Int(stream.pointee.avail_out)
            }
        }
        guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else { throw .malformed }
        input = input.dropFirst(consumed)
        isAtEnd = result == Z_STREAM_END
        unpacked += piece.count
        guard unpacked <= limit else { throw .tooLarge }
        return piece
    }
}
