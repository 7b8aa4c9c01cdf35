import Base

/// Cuts a body into parts of one size, holding one of them and what is left of a chunk.
struct BodyParts<Chunks: AsyncIteratorProtocol> where Chunks.Element == [UInt8] {
    private let name: String
    private let partSize: Int
    private var chunks: Chunks
    /// How many bytes are still wanted; nil for all there are.
    private var wanted: Int64?
    private var rest: ArraySlice<UInt8> = []
    private var isAtEnd = false

    init(of chunks: Chunks, wanting size: Int64?, partSize: Int, name: String) {
        self.chunks = chunks
        self.partSize = partSize
        self.name = name
        wanted = size
    }

    /// The next part, all but the last of the full size; nil at the end.
    mutating func next() async throws -> [UInt8]? {
        var part: [UInt8] = []
        while part.count < partSize, try await fill() {
            part.reserveCapacity(partSize)
            let count = min(rest.count, partSize - part.count)
            part += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        return part.isEmpty ? nil : part
    }

    /// Whether nothing follows.
    mutating func isOver() async throws -> Bool {
        try await !fill()
    }

    /// Sees to it that there are bytes.
    /// - Returns: false at the end.
    private mutating func fill() async throws -> Bool {
        while rest.isEmpty {
            guard !isAtEnd, wanted != 0, let chunk = try await nextChunk() else {
                isAtEnd = true
                return false
            }
            rest = wanted.map { chunk.prefix(Int(clamping: $0)) } ?? chunk[...]
            wanted = wanted.map { $0 - Int64(rest.count) }
        }
        return true
    }

    private mutating func nextChunk() async throws -> [UInt8]? {
        do {
            return try await chunks.next(isolation: #isolation)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure("read the body of object \(name)", cause: error)
        }
    }
}
