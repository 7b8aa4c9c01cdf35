import Base
import FoundationEssentials
import Store

/// An export as it came over the wire.
struct ArrivedExport: Sendable {
    /// A record in it.
    struct Record: Decodable, Sendable {
        let id: String
        let data_type: String
        let data: Data
    }

    private struct Trailer: Decodable {
        let entries: Int
    }

    /// All of it.
    let bytes: [UInt8]
    /// Its first line.
    let header: ExportHeader
    private let lines: [ArraySlice<UInt8>]

    /// Takes the bytes for an export.
    /// - Throws: ``Failure`` when they are none, or not a whole one.
    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first, let last = lines.last, bytes.last == UInt8(ascii: "\n") else {
            throw Failure("an export of \(bytes.count) bytes has no lines")
        }
        header = try attempt("read an export's first line") { try JSONCoding.decode(ExportHeader.self, from: first) }
        let trailer = try attempt("read an export's last line") { try JSONCoding.decode(Trailer.self, from: last) }
        guard trailer.entries == lines.count - 2 else {
            throw Failure("an export of \(trailer.entries) records has \(lines.count) lines")
        }
    }

    /// What two exports of the same records have in common: everything but the first line.
    var content: ArraySlice<UInt8> { bytes[(lines[0].endIndex)...] }

    /// The records of a type.
    func records<Value: Decodable>(_ type: String, as: Value.Type = Value.self) throws -> [(id: String, value: Value)] {
        let start = Array("\",\"data_type\":\"\(type)\"".utf8)
        return try lines.dropFirst().dropLast().compactMap { line in
            // Most of an export is of another type.
            guard line.firstRange(of: start) != nil else { return nil }
            let record = try JSONCoding.decode(Record.self, from: line)
            return (record.id, try JSONCoding.decode(Value.self, from: record.data))
        }
    }
}
