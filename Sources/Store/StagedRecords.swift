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
        if let end = bytes.withUnsafeBytes({ Self.end(of: 0, in: $0) }), end > bytes.count {
            // One record is larger than a chunk.
            bytes = try spool.read(at: offset, count: end)
        }
        let (records, count) = bytes.withUnsafeBytes(Self.records)
        guard !records.isEmpty else { throw StoreError(.corrupted, "a spool file ends early") }
        return (records, offset + Int64(count))
    }

    /// The whole records in `bytes`, and how many bytes they are.
    private static func records(in bytes: UnsafeRawBufferPointer) -> ([ImportedRecord], Int) {
        var records: [ImportedRecord] = []
        var position = 0
        while let end = end(of: position, in: bytes), end <= bytes.count {
            records.append(record(at: position, in: bytes))
            position = end
        }
        return (records, position)
    }

    private static func end(of position: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard position + headSize <= bytes.count else { return nil }
        return (0..<3).reduce(position + headSize) { $0 + length($1, at: position, in: bytes) }
    }

    private static func length(_ part: Int, at position: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position + part * 4, as: UInt32.self)))
    }

    private static func record(at position: Int, in bytes: UnsafeRawBufferPointer) -> ImportedRecord {
        let type = position + headSize
        let id = type + length(0, at: position, in: bytes)
        let data = id + length(1, at: position, in: bytes)
        let end = data + length(2, at: position, in: bytes)
        return ImportedRecord(
            type: String(decoding: bytes[type..<id], as: UTF8.self),
            id: String(decoding: bytes[id..<data], as: UTF8.self),
            data: Data(bytes[data..<end])
        )
    }
}
