import Base
import Crypto

/// The lines of a backup's last entry, made from the entries before it: `sha256sum -c` reads them after `tar -x`.
///
/// Names are read from the archive a second time, so that of each entry only the digest is in memory.
struct ChecksumLines {
    private let source: BackupSource
    private let digests: [SHA256.Digest]
    private var offset: Int64 = 0
    private var index = 0
    private var hash = SHA256()
    private var last: String?
    private var isEnded = false

    /// Begins at the front of an archive that holds entries with these digests.
    init(_ source: BackupSource, digests: [SHA256.Digest]) {
        self.source = source
        self.digests = digests
    }

    /// The entry that the next line is about, for errors.
    var entry: String? { last }

    /// The next line with its end; nil after the last one.
    mutating func next() throws -> [UInt8]? {
        guard !isEnded else { return nil }
        guard index < digests.count, let (header, length) = try TarHeader.read(at: offset, from: source, after: last)
        else {
            isEnded = true
            let list = HexText.text(hash.finalize())
            last = nil
            return Array("# end: \(index) entries, \(offset) bytes; SHA-256 of the lines above: \(list)\n".utf8)
        }
        let line = Array("\(HexText.text(digests[index]))  \(header.name)\n".utf8)
        offset += Int64(length) + header.size + Int64(TarHeader.padding(behind: header.size))
        index += 1
        last = header.name
        hash.update(data: line)
        return line
    }
}
