/// A named place at which a test can kill, stop or fail this process, in debug builds only.
///
/// The enumeration is the registry of names: a misspelt one does not compile in code, and ends the process that is told one from
/// outside. `docs/testing.md` says how a process is told. In release builds the calls compile to nothing.
public enum FailPoint: String, CaseIterable, Sendable {
    // AtomicFile: its bytes; before their sync, before the rename, and before the directory's sync
    case fileWrite = "file.write"
    case fileSync = "file.sync"
    case fileRename = "file.rename"
    case fileDirectory = "file.directory"

    // A group of commits: before it begins, after its batches are applied, before and after it is decided, before the answers
    case storeCommitBegin = "store.commit.begin"
    case storeCommitApplied = "store.commit.applied"
    case storeCommitDecide = "store.commit.decide"
    case storeCommitDecided = "store.commit.decided"
    case storeCommitAnswer = "store.commit.answer"

    // An object in a directory: its bytes; before their sync, before the rename, and before the directories' syncs, also when it
    // is removed
    case objectWrite = "object.write"
    case objectSync = "object.sync"
    case objectRename = "object.rename"
    case objectDirectories = "object.directories"

    // A task's logs at the runservice: the bytes of a piece; before they become objects, and when they are
    case logAppend = "log.append"
    case logSeal = "log.seal"
    case logSealed = "log.sealed"

    // A push: before it is on record, before git begins, before what git did is settled, before the acknowledgement, and after
    // an announcement was accepted
    case pushRecord = "push.record"
    case pushCarry = "push.carry"
    case pushSettle = "push.settle"
    case pushAnswer = "push.answer"
    case pushAnnounced = "push.announced"

    // A task at the executor: the bytes of its record, before that takes its name, before the first one's sync, and the bytes of a log
    case taskWrite = "task.write"
    case taskRename = "task.rename"
    case taskSync = "task.sync"
    case taskLog = "task.log"

    /// Passes the place: nothing happens unless this process was told otherwise.
    /// - Throws: ``SystemError`` with the code the process was told.
    @inlinable @inline(__always)
    public func pass() throws {
        #if MARTLET_FAILPOINTS
        try ArmedFailPoints.shared?.pass(self)
        #endif
    }

    /// Passes a place at which nothing may fail any more: the process may be killed, stopped or held up there.
    @inlinable @inline(__always)
    public func reach() {
        #if MARTLET_FAILPOINTS
        ArmedFailPoints.shared?.reach(self)
        #endif
    }

    /// Passes a place at which `count` bytes are written: calls `write` with that number, or, when this process was told to tear or
    /// to cut the write, with a smaller one, and then kills it or throws.
    /// - Throws: ``SystemError`` with the code the process was told, and what `write` throws.
    @inlinable @inline(__always)
    public func write(_ count: Int, _ write: (Int) throws -> Void) throws {
        #if MARTLET_FAILPOINTS
        if let armed = ArmedFailPoints.shared { return try armed.write(self, count, write) }
        #endif
        try write(count)
    }
}
