import Base
import Crypto
import FoundationEssentials
import Glibc

/// Writes a backup into a new file, which appears under its name when it is whole and on the disk.
///
/// An entry that breaks off leaves no trace, so that it may be begun again.
struct BackupWriter {
    /// How many bytes are written at once.
    private static let piece = 1 << 20

    private let path: String
    private let file: OpenFile
    private let time: Int64
    private var size: Int64 = 0
    private var digests: [SHA256.Digest] = []
    private var previous: BackupEntry?

    /// A place between two entries.
    struct Place {
        fileprivate let size: Int64
        fileprivate let count: Int
        fileprivate let previous: BackupEntry?
    }

    private init(path: String, file: OpenFile, time: Int64) {
        self.path = path
        self.file = file
        self.time = time
    }

    /// Begins a backup with its manifest.
    /// - Throws: ``SystemError``; ``Failure`` when the file exists already.
    static func create(_ path: String, _ manifest: BackupManifest) async throws -> BackupWriter {
        let file = try await BlockingPool.shared.run {
            guard access(path, F_OK) != 0 else { throw Failure("\(path) exists already; name another file") }
            return try OpenFile("\(path).\(HexText.random(bytes: 4)).tmp", O_RDWR | O_CREAT | O_EXCL)
        }
        var writer = BackupWriter(path: path, file: file, time: manifest.time)
        try await writer.orDiscard { writer in
            try await writer.add(.manifest, Array(try JSONCoding.encode(manifest)) + [UInt8(ascii: "\n")])
        }
        return writer
    }

    /// Bytes written up to now.
    var position: Int64 { size }

    /// Runs `body`, and removes the unfinished file when that fails.
    mutating func orDiscard<Value>(_ body: (inout BackupWriter) async throws -> Value) async throws -> Value {
        do {
            return try await body(&self)
        } catch {
            unlink(file.path)
            throw error
        }
    }

    /// Where the next entry will stand.
    var place: Place { Place(size: size, count: digests.count, previous: previous) }

    /// Takes back what was added behind a place.
    mutating func goBack(to place: Place) async throws {
        let file = file
        try await BlockingPool.shared.run { try file.truncate(to: place.size) }
        digests.removeLast(digests.count - place.count)
        (size, previous) = (place.size, place.previous)
    }

    /// Adds an entry that is in memory.
    mutating func add(_ entry: BackupEntry, _ bytes: [UInt8]) async throws {
        var rest: [UInt8]? = bytes
        try await add(entry, size: Int64(bytes.count)) {
            defer { rest = nil }
            return rest
        }
    }

    /// Adds an entry of `size` bytes, in the pieces that `next` returns until nil.
    /// - Throws: what `next` throws; ``Failure`` when they are not so many bytes, or the entry is not in its place.
    mutating func add(_ entry: BackupEntry, size: Int64, next: () async throws -> [UInt8]?) async throws {
        guard BackupEntry(name: entry.name) == entry, entry.objection(after: previous) == nil else {
            throw Failure("a backup cannot hold \(entry.name) here")
        }
        do {
            digests.append(try await write(entry, size, next))
        } catch {
            let (file, position) = (file, self.size)
            try await BlockingPool.shared.run { try file.truncate(to: position) }
            throw error
        }
        let header = TarHeader(name: entry.name, size: size, time: time)
        self.size += Int64(header.bytes.count) + size + Int64(TarHeader.padding(behind: size))
        previous = entry
    }

    /// Adds the checksums, waits for the disk and names the file.
    /// - Returns: the bytes of the whole file.
    mutating func finish() async throws -> Int64 {
        let (file, path, digests, end) = (file, path, digests, size)
        let source = BackupSource(size: end) { try file.read(at: $0, count: $1) }
        let length = try await BlockingPool.shared.run {
            var lines = ChecksumLines(source, digests: digests)
            var length: Int64 = 0
            while let line = try lines.next() { length += Int64(line.count) }
            return length
        }
        var lines = ChecksumLines(source, digests: digests)
        try await add(.checksums, size: length) { try lines.next() }
        try await BlockingPool.shared.run {
            try file.append(TarHeader.end)
            try file.synchronize()
            // Not over a file that somebody else made meanwhile.
            guard link(file.path, path) == 0 else { throw SystemError("name the backup \(path)") }
            unlink(file.path)
            try AtomicFile.syncDirectory(of: path)
        }
        return size + Int64(TarHeader.end.count)
    }

    private func write(
        _ entry: BackupEntry,
        _ size: Int64,
        _ next: () async throws -> [UInt8]?
    ) async throws -> SHA256.Digest {
        var buffer = TarHeader(name: entry.name, size: size, time: time).bytes
        var hash = SHA256()
        var rest = size
        while let bytes = try await next() {
            rest -= Int64(bytes.count)
            guard rest >= 0 else { throw Failure("\(entry.name) is longer than the \(size) bytes it was said to have") }
            hash.update(data: bytes)
            buffer += bytes
            if buffer.count >= Self.piece { try await flush(&buffer) }
        }
        guard rest == 0 else {
            throw Failure("\(entry.name) has \(rest) bytes less than the \(size) it was said to have")
        }
        buffer += [UInt8](repeating: 0, count: TarHeader.padding(behind: size))
        try await flush(&buffer)
        return hash.finalize()
    }

    private func flush(_ buffer: inout [UInt8]) async throws {
        let (file, bytes) = (file, buffer)
        try await BlockingPool.shared.run { try file.append(bytes) }
        buffer.removeAll(keepingCapacity: true)
    }
}
