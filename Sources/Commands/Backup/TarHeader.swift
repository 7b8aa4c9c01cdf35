import Base

/// The head of an entry in a tar archive (POSIX.1-2001: ustar, and pax where a name or a size does not fit).
///
/// Backups use one form of it alone: regular files of mode 0600 that belong to nobody. Reading compares with what would have been
/// written, so that links, devices, other owners and hidden bytes cannot even be expressed.
struct TarHeader: Equatable, Sendable {
    /// Everything in an archive is a multiple of so many bytes.
    static let block = 512
    /// Two blocks of zeros end an archive.
    static let end = [UInt8](repeating: 0, count: 2 * block)

    private static let shortName = 100
    private static let smallSize: Int64 = 1 << 33
    private static let longestPax = 4096

    let name: String
    let size: Int64
    /// The time of modification, in seconds since 1970.
    let time: Int64

    /// How many bytes follow the content up to the next header.
    static func padding(behind size: Int64) -> Int {
        Int((Int64(block) - size % Int64(block)) % Int64(block))
    }

    // MARK: Writing

    /// The header as it stands in an archive.
    var bytes: [UInt8] {
        var records = ""
        if name.utf8.count > Self.shortName { records += Self.record("path", name) }
        if size >= Self.smallSize { records += Self.record("size", "\(size)") }
        let own = Self.block(name, size: size < Self.smallSize ? size : 0, time: time, type: "0")
        guard !records.isEmpty else { return own }
        let extended = Array(records.utf8)
        let head = Self.block("pax", size: Int64(extended.count), time: time, type: "x")
        let padding = [UInt8](repeating: 0, count: Self.padding(behind: Int64(extended.count)))
        return head + extended + padding + own
    }

    /// `<length> <key>=<value>`, where the length counts itself.
    private static func record(_ key: String, _ value: String) -> String {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count
        while "\(length)".utf8.count + rest.utf8.count != length { length = "\(length)".utf8.count + rest.utf8.count }
        return "\(length)\(rest)"
    }

    private static func block(_ name: String, size: Int64, time: Int64, type: Unicode.Scalar) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: block)
        func put(_ text: some Collection<UInt8>, at offset: Int) {
            bytes.replaceSubrange(offset..<(offset + text.count), with: text)
        }
        put(name.utf8.prefix(shortName), at: 0)
        put("0000600".utf8, at: 100)
        put("0000000".utf8, at: 108)
        put("0000000".utf8, at: 116)
        put(octal(size, 11), at: 124)
        put(octal(time, 11), at: 136)
        put("        ".utf8, at: 148)
        bytes[156] = UInt8(ascii: type)
        put("ustar\u{0}00".utf8, at: 257)
        put("0000000".utf8, at: 329)
        put("0000000".utf8, at: 337)
        put(octal(sum(bytes), 6) + [0], at: 148)
        return bytes
    }

    private static func sum(_ bytes: [UInt8]) -> Int64 {
        var sum: Int64 = 0
        for byte in bytes { sum += Int64(byte) }
        return sum
    }

    private static func octal(_ value: Int64, _ digits: Int) -> [UInt8] {
        (0..<digits).reversed().map { UInt8(ascii: "0") + UInt8(value >> (3 * Int64($0)) & 7) }
    }

    // MARK: Reading

    /// Reads the header at `offset`.
    /// - Parameters:
    ///   - offset: where it begins.
    ///   - source: the archive.
    ///   - previous: the entry before, for errors.
    /// - Returns: the header and how many bytes it takes; nil when the archive ends there.
    /// - Throws: ``BackupDamage``.
    static func read(
        at offset: Int64,
        from source: BackupSource,
        after previous: String?
    ) throws -> (header: TarHeader, length: Int)? {
        func damage(_ reason: String, _ entry: String? = previous) -> BackupDamage {
            BackupDamage(entry: entry, byte: offset, reason: reason)
        }
        var raw = try source.read(at: offset, count: block, of: previous)
        guard raw.contains(where: { $0 != 0 }) else { return nil }
        var records: (path: String?, size: Int64?) = (nil, nil)
        if raw[156] == UInt8(ascii: "x") {
            guard let size = number(raw[124..<135]), (1...Int64(longestPax)).contains(size) else {
                throw damage("the extended header behind this entry has an impossible size")
            }
            let count = Int(size) + padding(behind: size)
            raw += try source.read(at: offset + Int64(block), count: count + block, of: previous)
            records = Self.records(raw[block..<(block + Int(size))])
        }
        let own = raw.suffix(block)
        let shortName = own.prefix(Self.shortName).prefix { $0 != 0 }
        guard let name = records.path ?? String(validating: shortName, as: UTF8.self), !name.isEmpty,
            let size = records.size ?? number(own.dropFirst(124).prefix(11)),
            let time = number(own.dropFirst(136).prefix(11))
        else {
            throw damage(previous == nil ? "this is not a Martlet backup" : "no entry begins here")
        }
        let header = TarHeader(name: name, size: size, time: time)
        guard header.bytes == raw else {
            throw damage("the header is not one of a backup's: only plain files are in them", name)
        }
        return (header, raw.count)
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { return nil }
            value = value << 3 | Int64(digit & 7)
        }
        return value
    }

    // Only what ``bytes`` writes is understood; the comparison with it finds everything else.
    private static func records(_ bytes: ArraySlice<UInt8>) -> (path: String?, size: Int64?) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return (nil, nil) }
        var found: (path: String?, size: Int64?) = (nil, nil)
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " "), let sign = line.firstIndex(of: "="), space < sign else {
                continue
            }
            let value = String(line[line.index(after: sign)...])
            switch line[line.index(after: space)..<sign] {
            case "path": found.path = value
            case "size": found.size = Int64(value).flatMap { $0 >= 0 ? $0 : nil }
            default: continue
            }
        }
        return found
    }
}
