import Base
import Glibc

/// A file or standard input, read in pieces.
final class InputFile: Sendable {
    /// How many bytes there are; nil for what is no file.
    let size: Int?

    private let descriptor: Int32
    private let isOwned: Bool

    /// Opens a file; standard input without a path.
    /// - Throws: ``CommandFailure`` when it cannot be opened.
    init(_ path: String?) throws {
        isOwned = path != nil
        descriptor = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
        var facts = stat()
        guard descriptor >= 0, fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT != S_IFDIR else {
            size = nil
            throw CommandFailure("\(path ?? "standard input") is no file that can be read")
        }
        // Of a redirected file some may have been read already.
        size = facts.st_mode & S_IFMT == S_IFREG && path != nil ? Int(facts.st_size) : nil
    }

    deinit {
        if isOwned, descriptor >= 0 { close(descriptor) }
    }

    /// The content; `note` is told how many bytes were read each time.
    func pieces(_ note: @escaping @Sendable (Int) -> Void) -> Pieces {
        Pieces(file: self, note: note)
    }

    /// The content in pieces.
    struct Pieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = [UInt8]
        typealias Failure = any Error

        fileprivate let file: InputFile
        fileprivate let note: @Sendable (Int) -> Void

        func makeAsyncIterator() -> Pieces { self }

        mutating func next() async throws -> [UInt8]? {
            let file = file
            while true {
                try Task.checkCancellation()
                guard let piece = try await BlockingPool.shared.run({ try file.read() }) else { continue }
                note(piece.count)
                return piece.isEmpty ? nil : piece
            }
        }
    }

    /// What can be read now; nil when nothing came within a moment, empty at the end.
    private func read() throws -> [UInt8]? {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, 200) != 0 else { return nil }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
            let result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            count = max(result, 0)
            failure = result < 0 ? errno : 0
        }
        guard [0, EINTR, EAGAIN].contains(failure) else { throw SystemError("read the input", code: failure) }
        return failure == 0 ? bytes : nil
    }
}
