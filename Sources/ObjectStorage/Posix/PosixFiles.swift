import Base
import Glibc

/// The system calls behind ``PosixStore``; all of them block.
enum PosixFiles {
    /// How often placing a file begins again when a concurrent delete removed the directory just made.
    private static let attempts = 100

    /// Creates `path` and its parents.
    static func makeDirectories(_ path: String, below root: String) throws {
        if mkdir(path, 0o700) == 0 { return }
        if errno == EEXIST { return }
        guard errno == ENOENT, path != root, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")),
            slash > path.startIndex
        else { throw SystemError("create \(path)") }
        try makeDirectories(String(path[..<slash]), below: root)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError("create \(path)") }
    }

    /// Creates `path` and its parents so that they survive a power loss.
    ///
    /// The last one's entry is synced also when it was there: another process may have made it just now.
    static func makeDurableDirectories(_ path: String) throws {
        var made = [path]
        while let last = made.last, access(parent(of: last), F_OK) != 0, parent(of: last) != last {
            made.append(parent(of: last))
        }
        try makeDirectories(path, below: "")
        for directory in made { try AtomicFile.syncDirectory(of: directory) }
    }

    /// Syncs a finished file and moves it to its place below `data`.
    static func place(_ path: String, data: String, at place: String, descriptor: Int32) throws {
        try FailPoint.objectSync.pass()
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(path)") }
        guard let directories = try move(path, data: data, place: place) else {
            throw SystemError("rename \(path)", code: EXDEV)
        }
        for directory in directories { try AtomicFile.sync(directory: directory) }
    }

    /// Renames a file to its place.
    /// - Returns: the directories on the way, each of which must be synced; nil when the file is on another file system.
    private static func move(_ path: String, data: String, place: String) throws -> Set<String>? {
        let target = "\(data)/\(place)"
        for attempt in 1...attempts {
            try makeDirectories(parent(of: target), below: data)
            try FailPoint.objectRename.pass()
            if rename(path, target) == 0 { break }
            let code = errno
            if code == EXDEV { return nil }
            if code == ENOENT, attempt < attempts, access(path, F_OK) == 0 { continue }
            // A write that was interrupted may have left directories that hold no object.
            if code == EISDIR, attempt < attempts, try removeEmptyTree(target) { continue }
            throw SystemError("rename \(path) to \(target)", code: code)
        }
        try FailPoint.objectDirectories.pass()
        var directories: Set = [data]
        var directory = parent(of: target)
        while directory != data {
            directories.insert(directory)
            directory = parent(of: directory)
        }
        return directories
    }

    /// Moves a file of somebody else in, synced.
    /// - Returns: the directories that must be synced; nil when the file must be copied.
    static func adopt(_ path: String, data: String, at place: String, name: String) throws -> Set<String>? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw ObjectStorageError(.badSource, name: name, cause: SystemError("open \(path)"))
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw ObjectStorageError(.badSource, name: name, "\(path) is not a regular file")
        }
        guard fchmod(descriptor, 0o600) == 0 else { throw SystemError("change the mode of \(path)") }
        try FailPoint.objectSync.pass()
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(path)") }
        return try move(path, data: data, place: place)
    }

    /// Opens a file of somebody else that is going to be copied.
    static func source(_ path: String, as name: String, pool: BlockingPool) throws -> PosixObjectReader {
        do {
            return try PosixObjectReader(path: path, name: name, pool: pool)
        } catch {
            throw ObjectStorageError(.badSource, name: name, "\(path) is not a regular file", cause: error)
        }
    }

    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove \(path)") }
    }

    /// Removes an object's file and then the parents that are empty; a power loss brings nothing back.
    ///
    /// That is synced also when there was nothing: whoever removed it may have died before.
    static func delete(_ path: String, data: String) throws -> Bool {
        let isThere = try facts(path, name: path) != nil
        let wasRemoved = isThere && unlink(path) == 0
        guard wasRemoved || !isThere || errno == ENOENT else { throw SystemError("remove \(path)") }
        var directory = parent(of: path)
        while wasRemoved, directory != data, rmdir(directory) == 0 { directory = parent(of: directory) }
        try FailPoint.objectDirectories.pass()
        try syncNearest(directory, data: data)
        return wasRemoved
    }

    /// Syncs a directory or, when somebody has removed it, the next one above it that is there.
    private static func syncNearest(_ directory: String, data: String) throws {
        var directory = directory
        while true {
            do {
                return try AtomicFile.sync(directory: directory)
            } catch let error as SystemError where [ENOENT, ENOTDIR].contains(error.code) && directory != data {
                directory = parent(of: directory)
            }
        }
    }

    /// Removes directories in which there is no file.
    /// - Returns: whether all are gone.
    private static func removeEmptyTree(_ path: String) throws -> Bool {
        if rmdir(path) == 0 || errno == ENOENT { return true }
        guard errno == ENOTEMPTY || errno == EEXIST else { return false }
        for entry in try PosixDirectory.entries(of: path) ?? [] {
            guard entry.isDirectory, try removeEmptyTree("\(path)/\(entry.name)") else { return false }
        }
        return rmdir(path) == 0 || errno == ENOENT
    }

    /// Facts of a regular file; nil when there is none.
    static func facts(_ path: String, name: String) throws -> ObjectFacts? {
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemError("look at \(path)")
        }
        guard facts.st_mode & S_IFMT == S_IFREG else { return nil }
        let modified = Double(facts.st_mtim.tv_sec) + Double(facts.st_mtim.tv_nsec) / 1_000_000_000
        return ObjectFacts(name: name, size: Int64(facts.st_size), modified: modified)
    }

    /// Removes files of interrupted writes: old enough, and locked by nobody.
    static func removeAbandoned(in directory: String, olderThan seconds: Double) throws {
        for entry in try PosixDirectory.entries(of: directory) ?? [] where !entry.isDirectory {
            let path = "\(directory)/\(entry.name)"
            guard let facts = try facts(path, name: entry.name), facts.modified < Double(time(nil)) - seconds else {
                continue
            }
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
        }
    }

    /// Gives the system's refusals the kinds of the contract.
    static func wrapped(_ error: SystemError, name: String) -> ObjectStorageError {
        switch error.code {
        case ENOENT, ELOOP: ObjectStorageError(.notExist, name: name)
        case ENOTDIR where error.operation.hasPrefix("open"): ObjectStorageError(.notExist, name: name)
        case ENOTDIR, EISDIR, ENOTEMPTY, EEXIST: ObjectStorageError(.clash, name: name, cause: error)
        default: ObjectStorageError(.unavailable, name: name, cause: error)
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return String(path[..<slash])
    }
}
