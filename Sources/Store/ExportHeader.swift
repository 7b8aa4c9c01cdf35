import Base
import Crypto
package import FoundationEssentials

/// The first line of an export: what follows, and of which store.
///
/// The format is ours (docs/storage.md): a header line, a line for each record in the shape of Agola's v0.7 exports, a trailer line.
package struct ExportHeader: Codable, Sendable, Equatable {
    /// The format's name, by which its streams are known.
    package static let format = "martlet-export"
    /// The version that is written; newer ones are refused.
    package static let version = 1

    /// ``format``.
    package var format = ExportHeader.format
    /// ``version``.
    package var version = ExportHeader.version
    /// The service whose records follow.
    package let service: String
    /// The store they come from.
    package let storeID: String
    /// The store's epoch.
    package let epoch: Int64
    /// The commit up to which everything is here, and after which nothing.
    package let revision: Int64
    /// The types of the records, in the order in which they follow.
    package let types: [String]
    /// When the export was made.
    package let createdAt: Date
    /// SHA-256 of the line as it is with an empty text here.
    package var check = ""

    /// The line, with its check and its end.
    func line() throws -> Data {
        var header = self
        header.check = ""
        header.check = HexText.text(SHA256.hash(data: try JSONCoding.encode(header)))
        return try JSONCoding.encode(header) + [UInt8(ascii: "\n")]
    }
}

/// The last line of an export, which proves that everything has arrived.
struct ExportTrailer: Codable, Equatable {
    /// The lines between header and trailer.
    let entries: Int64
    /// SHA-256 of these lines with their ends.
    let sha256: String

    /// The line with its end.
    func line() throws -> Data {
        try JSONCoding.encode(self) + [UInt8(ascii: "\n")]
    }
}
