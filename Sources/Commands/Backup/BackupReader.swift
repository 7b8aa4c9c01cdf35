import Base
import Crypto

/// Reads a backup from its front, and believes nothing: whatever is not exactly as it was written is refused with entry and byte.
///
/// Memory is constant but for the digest of each entry. Every call blocks. The backup is known to be whole when ``next()`` has
/// returned nil, and not before.
struct BackupReader {
    /// The most bytes of a piece.
    static let piece = 256 << 10

    private let source: BackupSource
    private var offset: Int64 = 0
    private var previous: BackupEntry?
    private var header: TarHeader?
    private var rest: Int64 = 0
    private var hash = SHA256()
    private var digests: [SHA256.Digest] = []
    /// What the first entry says; there after the first call of ``next()``.
    private(set) var manifest: BackupManifest?

    /// Begins to read.
    init(_ source: BackupSource) {
        self.source = source
    }

    /// How far the reader is.
    var position: Int64 { offset }

    /// How many bytes there are.
    var size: Int64 { source.size }

    /// The next entry behind the manifest, with its size; nil when all entries, their checksums and the end are right.
    ///
    /// What was not read of the entry before is checked all the same.
    /// - Throws: ``BackupDamage``; ``SystemError``.
    mutating func next() throws -> (entry: BackupEntry, size: Int64)? {
        if manifest == nil { try readManifest() }
        try endEntry()
        let (entry, size) = try begin()
        guard entry == .checksums else { return (entry, size) }
        try checkEnd(size)
        return nil
    }

    /// The next piece of the entry's content; nil at its end.
    /// - Throws: ``BackupDamage``; ``SystemError``.
    mutating func read() throws -> [UInt8]? {
        guard rest > 0 else { return nil }
        let bytes = try source.read(at: offset, count: Int(min(rest, Int64(Self.piece))), of: header?.name)
        offset += Int64(bytes.count)
        rest -= Int64(bytes.count)
        hash.update(data: bytes)
        return bytes
    }

    // MARK: Entries

    private mutating func readManifest() throws {
        let (_, size) = try begin()
        guard size <= BackupManifest.limit else { throw damage("it is too large") }
        let start = offset
        let bytes = try read() ?? []
        do {
            manifest = try BackupManifest(reading: bytes)
        } catch {
            throw damage(ErrorChain(error).message, at: start)
        }
        guard manifest?.time == header?.time else { throw damage("its time is not that of the backup", at: 0) }
    }

    private mutating func begin() throws -> (entry: BackupEntry, size: Int64) {
        let last = previous?.name
        guard let (header, length) = try TarHeader.read(at: offset, from: source, after: last) else {
            throw BackupDamage(entry: last, byte: offset, reason: "the archive ends here, without its checksums")
        }
        func refuse(_ reason: String) -> BackupDamage { BackupDamage(entry: header.name, byte: offset, reason: reason) }
        guard let entry = BackupEntry(name: header.name) else { throw refuse("backups have no such entry") }
        if let objection = entry.objection(after: previous) { throw refuse(objection) }
        if let manifest, header.time != manifest.time { throw refuse("its time is not that of the backup") }
        guard header.size <= source.size - offset - Int64(length) else {
            throw refuse("it is said to have \(header.size) bytes, and the file ends before")
        }
        offset += Int64(length)
        rest = header.size
        hash = SHA256()
        self.header = header
        previous = entry
        return (entry, header.size)
    }

    private mutating func endEntry() throws {
        while try read() != nil {}
        guard let header else { return }
        try skipPadding(behind: header.size)
        digests.append(hash.finalize())
        self.header = nil
    }

    private mutating func skipPadding(behind size: Int64) throws {
        let padding = try source.read(at: offset, count: TarHeader.padding(behind: size), of: header?.name)
        if let wrong = padding.firstIndex(where: { $0 != 0 }) {
            throw damage("something is hidden behind the entry", at: offset + Int64(wrong))
        }
        offset += Int64(padding.count)
    }

    // MARK: End

    /// Compares the list of checksums with what it must be, and expects nothing behind it.
    private mutating func checkEnd(_ size: Int64) throws {
        var lines = ChecksumLines(source, digests: digests)
        let end = offset + size
        while let line = try lines.next() {
            let found = try source.read(at: offset, count: Int(min(Int64(line.count), end - offset)), of: header?.name)
            guard found == line else {
                let what = lines.entry.map { "entry \($0) does not have the checksum listed here" }
                throw damage(what ?? "this is not how the list of checksums ends")
            }
            offset += Int64(line.count)
        }
        guard offset == end else { throw damage("the list of checksums goes on behind its end") }
        try skipPadding(behind: size)
        let zeros = try source.read(at: offset, count: TarHeader.end.count, of: header?.name)
        guard zeros == TarHeader.end else { throw damage("the archive does not end behind its checksums") }
        offset += Int64(zeros.count)
        guard offset == source.size else { throw damage("something follows the backup") }
        header = nil
    }

    private func damage(_ reason: String, at byte: Int64? = nil) -> BackupDamage {
        BackupDamage(entry: header?.name, byte: byte ?? offset, reason: reason)
    }
}
