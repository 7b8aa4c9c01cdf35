import Base
import Glibc

/// Bytes that are read as a backup: a file's, or in tests those of memory.
struct BackupSource: Sendable {
    /// How many there are.
    let size: Int64
    private let bytes: @Sendable (_ offset: Int64, _ count: Int) throws -> [UInt8]

    /// Takes what reads the bytes; it blocks, and returns fewer than asked for only where they end.
    init(size: Int64, bytes: @escaping @Sendable (_ offset: Int64, _ count: Int) throws -> [UInt8]) {
        self.size = size
        self.bytes = bytes
    }

    /// Opens a file; blocks.
    /// - Throws: ``SystemError``; ``BackupDamage`` for what is no regular file.
    static func open(_ path: String) throws -> BackupSource {
        let file = try OpenFile(path, O_RDONLY | O_NONBLOCK)
        guard let size = try file.size() else {
            throw BackupDamage(entry: nil, byte: 0, reason: "this is not a regular file")
        }
        return BackupSource(size: size) { try file.read(at: $0, count: $1) }
    }

    /// Reads exactly `count` bytes.
    /// - Throws: ``BackupDamage`` when the source ends before.
    func read(at offset: Int64, count: Int, of entry: String?) throws -> [UInt8] {
        guard offset <= size - Int64(count) else { throw Self.cut(entry, size) }
        let found = try bytes(offset, count)
        guard found.count == count else { throw Self.cut(entry, offset + Int64(found.count)) }
        return found
    }

    private static func cut(_ entry: String?, _ byte: Int64) -> BackupDamage {
        BackupDamage(entry: entry, byte: byte, reason: "the file ends here, before the backup does")
    }
}

/// A file that is open as long as somebody holds it; every call blocks.
final class OpenFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// Opens or creates a file.
    /// - Throws: ``SystemError`` naming the path.
    init(_ path: String, _ flags: Int32) throws {
        self.path = path
        descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// The size of a regular file; nil for anything else.
    func size() throws -> Int64? {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw SystemError("look at \(path)") }
        return facts.st_mode & S_IFMT == S_IFREG ? Int64(facts.st_size) : nil
    }

    /// Up to `count` bytes from `offset`; fewer only at the end.
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let (position, wanted) = (offset + Int64(bytes.count), count - bytes.count)
            var code: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                let got = pread(descriptor, buffer.baseAddress, wanted, off_t(position))
                if got < 0 { code = errno }
                filled = max(got, 0)
            }
            if code == EINTR { continue }
            guard code == 0 else { throw SystemError("read \(path)", code: code) }
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    /// Writes all of `bytes` behind what was written before.
    func append(_ bytes: [UInt8]) throws {
        try AtomicFile.writeAll(bytes, to: descriptor, path: path)
    }

    /// Drops what was written behind `size`, and goes on there.
    func truncate(to size: Int64) throws {
        guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, off_t(size), SEEK_SET) == size else {
            throw SystemError("truncate \(path)")
        }
    }

    /// Waits until the disk has it.
    func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw SystemError("synchronize \(path)") }
    }
}
