import Base
import Glibc
import Model
import Synchronization

/// One log of a task as a file: written by the thread that reads the step's output, read by the sender.
final class LogSpool: Sendable {
    private struct State {
        var length: Int64
        var isComplete = false
        /// What stands in place of everything from an offset on.
        var cut: (offset: Int64, note: [UInt8])?
    }

    /// Which log of the task.
    let selector: LogSelector
    private let file: OwnedDescriptor
    private let path: String
    private let state: Mutex<State>
    private let changed: Signal

    /// Opens the file, at its end.
    /// - Parameters:
    ///   - selector: which log of the task.
    ///   - path: the file, made if it does not exist.
    ///   - changed: raised whenever there is more to send.
    /// - Throws: ``SystemError`` naming the path.
    init(_ selector: LogSelector, path: String, changed: Signal) throws {
        self.selector = selector
        self.path = path
        self.changed = changed
        file = try OwnedDescriptor(path: path, flags: O_RDWR | O_CREAT | O_APPEND)
        let length = lseek(file.number, 0, SEEK_END)
        guard length >= 0 else { throw SystemError("measure \(path)") }
        state = Mutex(State(length: Int64(length)))
    }

    /// The bytes written, and whether no more follow.
    var extent: (length: Int64, isComplete: Bool) {
        state.withLock { state in
            if let cut = state.cut { return (cut.offset + Int64(cut.note.count), true) }
            return (state.length, state.isComplete)
        }
    }

    /// Whether the log ended before its time.
    var isCut: Bool { state.withLock { $0.cut != nil } }

    /// Ends the log at an offset with a note, because the rest cannot be read; what is written later goes nowhere.
    func cut(at offset: Int64, note: String) {
        state.withLock { $0.cut = (offset, Array(note.utf8)) }
        changed.raise()
    }

    /// Appends bytes; blocks for as long as the disk does.
    /// - Throws: ``SystemError`` naming the path, for instance when the disk is full.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        if isCut { return }
        var done = 0
        // A part that was written is there, whatever became of the rest.
        defer {
            state.withLock { $0.length += Int64(done) }
            if done > 0 { changed.raise() }
        }
        try FailPoint.taskLog.write(bytes.count) { limit in
            while done < limit {
                let count = Glibc.write(file.number, bytes.baseAddress?.advanced(by: done), limit - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemError("write \(path)") }
                done += count
            }
        }
    }

    /// Says that nothing more is written.
    func complete() {
        state.withLock { $0.isComplete = true }
        changed.raise()
    }

    /// Reads what is there from `offset` on, at most `limit` bytes; blocks for as long as the disk does.
    /// - Throws: ``SystemError`` naming the path.
    func read(at offset: Int64, limit: Int) throws -> [UInt8] {
        let (length, cut) = state.withLock { ($0.length, $0.cut) }
        if let cut, cut.offset <= offset { return Array(cut.note.dropFirst(Int(offset - cut.offset)).prefix(limit)) }
        let available = Int(min(Int64(limit), (cut?.offset ?? length) - offset))
        guard available > 0 else { return [] }
        return try [UInt8](unsafeUninitializedCapacity: available) { buffer, initialized in
            while initialized < available {
                let rest = buffer.baseAddress?.advanced(by: initialized)
                let count = pread(file.number, rest, available - initialized, off_t(offset) + initialized)
                if count < 0, errno == EINTR { continue }
                // Somebody shortened the file: as bad as a disk that cannot be read.
                guard count > 0 else { throw SystemError("read \(path)", code: count < 0 ? errno : EIO) }
                initialized += count
            }
        }
    }
}
