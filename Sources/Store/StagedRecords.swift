import Base
import FoundationEssentials

/// Checked records in a spool file, in the order in which they came.
///
/// Each is three lengths (32 bits, least byte first) and then type, id and value.
struct StagedRecords: Sendable {
    private static let chunk = 4 << 20
    private static let headSize = 12

    /// How many there are, by type.
    private(set) var counts: [String: Int] = [:]

    private let spool: SpoolFile
    private var buffer: [UInt8] = []
    private var size: Int64 = 0

    init(spool: SpoolFile) {
        self.spool = spool
    }

    /// Appends a record.
    mutating func append(_ record: ImportedRecord) throws {
        let (type, id) = (Array(record.type.utf8), Array(record.id.utf8))
        for count in [type.count, id.count, record.data.count] {
            withUnsafeBytes(of: UInt32(count).littleEndian) { buffer += $0 }
        }
        buffer += type
        buffer += id
        buffer += record.data
        counts[record.type, default: 0] += 1
        if buffer.count >= Self.chunk { try flush() }
    }

    /// Writes what is still in memory.
    mutating func flush() throws {
        try spool.append(buffer)
        size += Int64(buffer.count)
        buffer = []
    }

    /// A few megabytes of records from `offset` on, and where the next ones begin; nil at the end.
    ///
    /// Blocks.
    func records(at offset: Int64) throws -> (records: [ImportedRecord], next: Int64)? {
        guard offset < size else { return nil }
        var bytes = try spool.read(at: offset, count: Int(min(Int64(Self.chunk), size - offset)))
        var records: [ImportedRecord] = []
        var position = 0
        while position < bytes.count {
            guard let end = Self.end(of: position, in: bytes), end <= bytes.count else {
                if !records.isEmpty { break }
                // One record is larger than a chunk.
                let wanted = Self.end(of: position, in: bytes) ?? Self.headSize
                bytes = try spool.read(at: offset, count: max(wanted, Self.chunk))
                guard bytes.count >= wanted else { throw StoreError(.corrupted, "a spool file ends early") }
                continue
            }
            records.append(Self.record(at: position, in: bytes))
            position = end
        }
        return (records, offset + Int64(position))
    }

    private static func lengths(at position: Int, in bytes: [UInt8]) -> [Int] {
        (0..<3).map { part in
            (0..<4).reduce(0) { $0 | Int(bytes[position + part * 4 + $1]) << ($1 * 8) }
        }
    }

    private static func end(of position: Int, in bytes: [UInt8]) -> Int? {
        guard position + headSize <= bytes.count else { return nil }
        return lengths(at: position, in: bytes).reduce(position + headSize, +)
    }

    private static func record(at position: Int, in bytes: [UInt8]) -> ImportedRecord {
        let lengths = lengths(at: position, in: bytes)
        let id = position + headSize + lengths[0]
        let data = id + lengths[1]
        return ImportedRecord(
            type: String(decoding: bytes[(position + headSize)..<id], as: UTF8.self),
            id: String(decoding: bytes[id..<data], as: UTF8.self),
            data: Data(bytes[data..<(data + lengths[2])])
        )
    }
}
