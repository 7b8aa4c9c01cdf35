import Base

/// Where in a stream its reader is.
struct ImportPlace: Sendable {
    /// The code of every refusal of a stream.
    static let code = "invalidImport"

    /// The line, counted from 1.
    private(set) var line = 1
    /// The bytes before it.
    private(set) var byte: Int64 = 0

    /// Goes on behind a whole line.
    mutating func advance(over line: Int) {
        self.line += 1
        byte += Int64(line)
    }

    /// Goes on behind some text.
    mutating func advance(over text: some Sequence<UInt8>) {
        for character in text {
            byte += 1
            if character == UInt8(ascii: "\n") { line += 1 }
        }
    }

    /// The refusal of what stands here.
    func error(_ message: String, cause: (any Error)? = nil, file: String = #fileID, source: Int = #line) -> APIError {
        APIError(
            .badRequest,
            code: Self.code,
            "Line \(line), byte \(byte): \(message).",
            cause: cause,
            file: file,
            line: source
        )
    }
}

/// A record of a stream, and where it stands.
struct PlacedRecord: Sendable {
    let record: ImportedRecord
    let place: ImportPlace
}

/// Records that follow one another in a stream, and what is wrong behind them.
struct ImportBatch: Sendable {
    let records: [PlacedRecord]
    let refusal: (any Error)?
}

/// Checks that records come type by type, each type once, with ascending ids.
struct RecordOrder {
    private var finished: Set<String> = []
    private var type: String?
    private var id = ""

    /// Refuses a record that stands in the wrong place; `announced` is the only right order of types, if there is one.
    mutating func check(_ record: ImportedRecord, announced: [String]?, at place: ImportPlace) throws {
        if record.type == type {
            guard id.utf8.lexicographicallyPrecedes(record.id.utf8) else {
                throw place.error("the id \(record.id) does not come after \(id): ids of a type ascend")
            }
        } else {
            if let type { finished.insert(type) }
            guard !finished.contains(record.type) else {
                throw place.error("records of type \(record.type) came before: all of a type stand together")
            }
            if let announced, let type, let before = announced.firstIndex(of: type),
                let now = announced.firstIndex(of: record.type), now < before
            {
                throw place.error("records of type \(record.type) come before those of \(type)")
            }
            type = record.type
        }
        id = record.id
    }
}
