import Base
import Glibc
import Synchronization

/// The log of something that still runs: a file that grows, and a bell for those who follow it.
package final class GrowingLog: Sendable {
    private struct State {
        var size: Int64
        var end: Int64?
    }

    private let descriptor: Int32
    private let path: String
    private let state: Mutex<State>
    private let writer = Mutex(())
    private let bell = Bell()

    /// Opens the file.
    /// - Parameters:
    ///   - path: the file.
    ///   - creates: whether a file that does not exist is made; nothing is made for who only looks.
    /// - Returns: nil when there is no such file and none is to be made.
    /// - Throws: ``SystemError`` naming the path.
    static func open(path: String, creates: Bool) throws -> GrowingLog? {
        let directory = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        if creates, mkdir(String(directory), 0o700) != 0, errno != EEXIST {
            throw SystemError("create log directory \(directory)")
        }
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | (creates ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else {
            if !creates, errno == ENOENT { return nil }
            throw SystemError("open log \(path)")
        }
        return GrowingLog(descriptor: descriptor, path: path)
    }

    /// Makes an empty file beside the logs.
    /// - Throws: ``SystemError`` naming the path.
    static func touch(_ path: String) throws {
        _ = try open(path: path, creates: true)
    }

    /// When a file or directory was last written to, in seconds since 1970.
    /// - Throws: ``SystemError`` naming the path.
    static func modified(_ path: String) throws -> Double {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { throw SystemError("look at \(path)") }
        return Double(facts.st_mtim.tv_sec)
    }

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        state = Mutex(State(size: Int64(lseek(descriptor, 0, SEEK_END))))
    }

    deinit {
        close(descriptor)
    }

    /// How many bytes are stored.
    package var size: Int64 { state.withLock(\.size) }

    /// Stores a piece; blocks.
    /// - Returns: how many bytes are stored now.
    /// - Throws: ``APIError`` with code `logOffsetMismatch` when the piece leaves a gap.
    func append(_ bytes: [UInt8], at offset: Int64) throws -> Int64 {
        try writer.withLock { _ in
            let size = self.size
            guard offset <= size, offset >= 0 else { throw Self.mismatch(size) }
            let known = Int(min(size - offset, Int64(bytes.count)))
            guard known < bytes.count else { return size }
            let news = bytes[known...]
            try FailPoint.logAppend.write(news.count) { try write(news.prefix($0), at: size) }
            let grown = size + Int64(bytes.count - known)
            state.withLock { $0.size = grown }
            bell.ring()
            return grown
        }
    }

    /// Notes where the log ends; followers end there.
    func complete(at end: Int64) {
        state.withLock { $0.end = end }
        bell.ring()
    }

    /// Reads a piece; blocks.
    func read(at offset: Int64, limit: Int) throws -> [UInt8] {
        let count = min(Int64(limit), size - offset)
        guard count > 0 else { return [] }
        return try [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            let result = pread(descriptor, buffer.baseAddress, Int(count), off_t(offset))
            guard result >= 0 else { throw SystemError("read log \(path)") }
            filled = result
        }
    }

    /// Waits until there are bytes beyond `offset`.
    /// - Returns: false when the log has ended there.
    package func waitForMore(beyond offset: Int64) async throws -> Bool {
        while true {
            let seen = bell.count
            let (size, end) = state.withLock { ($0.size, $0.end) }
            if size > offset { return true }
            if let end, end <= offset { return false }
            try await bell.wait(beyond: seen)
        }
    }

    private func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws {
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemError("write log \(path)") }
                written += count
            }
        }
    }

    private static func mismatch(_ size: Int64) -> APIError {
        APIError(
            .badRequest,
            code: "logOffsetMismatch",
            "The log goes on at byte \(size).",
            details: ["offset": "\(size)"]
        )
    }
}
