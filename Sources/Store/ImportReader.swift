import Base
import Crypto
import FoundationEssentials

/// Cuts a stream that claims to be an export into records, strictly, piece by piece, and keeps those that are found good.
///
/// Two formats: ours, whose lines are written in exactly one way and proved by a checksum, and Agola v0.7's, objects one after
/// another. The first bytes decide.
struct ImportReader {
    private enum Format {
        case undecided
        case ours
        case agola
    }

    /// How our header begins: keys are sorted.
    private static let opening = Array("{\"check\":".utf8)
    /// Bytes of the longest line: the largest record in base 64 beside long names.
    private static let longestLine = StoreLimits.record / 3 * 4 + 16 * StoreLimits.name

    let rules: ImportRules
    var place = ImportPlace()
    var header: ExportHeader?
    var order = RecordOrder()
    var skipped: [String: Int] = [:]
    var entries: Int64 = 0
    var hash = SHA256()

    private var format = Format.undecided
    private var hasEnded = false
    // Beside the format and not in it, so that what it holds is never copied.
    private var converter: (any RecordConverter)?
    private let directory: String
    private var staged: StagedRecords
    /// The records of the batch that is being cut.
    private var batch: [PlacedRecord] = []
    private var buffer: [UInt8] = []
    private var splitter = JSONObjectSplitter()
    /// Bytes of the buffer that hold no end of a line.
    private var searched = 0

    init(rules: ImportRules, spool: SpoolFile) {
        self.rules = rules
        directory = spool.directory
        staged = StagedRecords(spool: spool)
    }

    /// The records that end in the next piece.
    mutating func cut(_ bytes: [UInt8]) -> ImportBatch {
        collect { reader in
            reader.buffer += bytes
            if case .undecided = reader.format { try reader.decide() }
            try reader.readBuffer()
        }
    }

    /// The records that show only at the end.
    mutating func cutRest() -> ImportBatch {
        collect { try $0.readRest() }
    }

    /// Keeps a record unless `check` finds it wanting.
    mutating func keep(_ placed: PlacedRecord, after check: () throws -> Void) throws {
        try Self.placed(placed.place, "\(placed.record.type) \(placed.record.id)", check)
        try staged.append(placed.record)
    }

    /// All that was kept.
    mutating func finish(_ lane: any ImportLane) throws -> ImportSource {
        let noticed = try Self.placed(place, "the export") { try lane.finish() }
        try staged.flush()
        return ImportSource(
            service: rules.service,
            summary: ImportSummary(header: header, records: staged.counts, warnings: warnings + noticed),
            records: staged
        )
    }

    private mutating func collect(_ body: (inout Self) throws -> Void) -> ImportBatch {
        defer { batch = [] }
        do {
            try body(&self)
            return ImportBatch(records: batch, refusal: nil)
        } catch {
            return ImportBatch(records: batch, refusal: error)
        }
    }

    private mutating func readBuffer() throws {
        switch format {
        case .undecided: return
        case .ours: try readLines()
        case .agola: try readObjects()
        }
    }

    private mutating func readRest() throws {
        if case .undecided = format, !buffer.isEmpty {
            try readAsAgola()
            try readObjects()
        }
        switch format {
        case .undecided: throw place.error("the stream is empty; expected an export")
        case .ours:
            guard hasEnded else { throw place.error("the stream ends without its last line: it did not arrive whole") }
        case .agola:
            guard buffer.allSatisfy(\.isJSONSpace) else { throw place.error("the stream ends within an object") }
            guard entries > 0 else { throw place.error("the stream holds no records") }
            for record in try Self.placed(place, "the end", { try converter?.finish() }) ?? [] { try take(record) }
        }
    }

    private mutating func decide() throws {
        guard buffer.count >= Self.opening.count else { return }
        if buffer.starts(with: Self.opening) {
            format = .ours
        } else if buffer.first(where: { !$0.isJSONSpace }) == UInt8(ascii: "{") {
            try readAsAgola()
        } else {
            throw place.error("this is no export: expected a line that begins with {\"check\":")
        }
    }

    private mutating func readAsAgola() throws {
        guard let makeConverter = rules.makeAgolaConverter else {
            throw place.error("this is no export of the \(rules.service)")
        }
        format = .agola
        converter = makeConverter(RecordQueue(spool: try SpoolFile(directory: directory)))
    }

    private var warnings: [String] {
        var warnings = skipped.sorted { $0.key < $1.key }.map {
            "\($0.value) records of the unknown type \($0.key) were left out."
        }
        if let converter {
            warnings.append("An export of Agola does not say where it ends: whether it is complete cannot be proved.")
            warnings += converter.warnings
        }
        return warnings
    }
}

// MARK: - Our format

extension ImportReader {
    private mutating func readLines() throws {
        var start = 0
        while let end = buffer[max(start, searched)...].firstIndex(of: UInt8(ascii: "\n")) {
            guard end - start < Self.longestLine else { throw tooLong }
            try readLine(Array(buffer[start...end]))
            place.advance(over: end + 1 - start)
            start = end + 1
        }
        buffer.removeFirst(start)
        searched = buffer.count
        guard buffer.count < Self.longestLine else { throw tooLong }
    }

    private var tooLong: APIError { place.error("the line is longer than any record may be") }

    private mutating func readLine(_ line: [UInt8]) throws {
        guard !hasEnded else { throw place.error("something follows the last line") }
        guard let header else { return try readHeader(line) }
        guard let record = ExportEntry.record(in: line) else { return try readTrailer(line) }
        hash.update(data: line)
        entries += 1
        guard header.types.contains(record.type) else {
            throw place.error("a record of type \(record.type), which the first line does not announce")
        }
        try order.check(record, announced: header.types, at: place)
        try take(record)
    }

    private mutating func readHeader(_ line: [UInt8]) throws {
        let header: ExportHeader
        do { header = try JSONCoding.decode(ExportHeader.self, from: line) } catch {
            throw place.error("the first line is not that of an export", cause: error)
        }
        guard header.format == ExportHeader.format else { throw place.error("the format \(header.format) is unknown") }
        guard header.version <= ExportHeader.version else {
            throw place.error(
                "the export has version \(header.version) of a newer Martlet; this one reads \(ExportHeader.version)"
            )
        }
        guard try header.line().elementsEqual(line) else { throw place.error("the first line is damaged") }
        guard header.service == rules.service else {
            throw place.error("this is an export of the \(header.service), not of the \(rules.service)")
        }
        // What a record refers to comes before it, which the check relies on.
        guard header.types.filter(rules.types.contains) == rules.types.filter(header.types.contains) else {
            throw place.error("the types are not in the order \(rules.types.joined(separator: ", "))")
        }
        self.header = header
    }

    private mutating func readTrailer(_ line: [UInt8]) throws {
        let trailer: ExportTrailer
        do { trailer = try JSONCoding.decode(ExportTrailer.self, from: line) } catch {
            throw place.error("expected a record, or the last line of an export", cause: error)
        }
        let digest = HexText.text(hash.finalize())
        guard try trailer.line().elementsEqual(line), trailer.entries == entries, trailer.sha256 == digest else {
            throw place.error(
                "\(entries) records came, and they are not the \(trailer.entries) that the last line vouches for"
            )
        }
        hasEnded = true
    }
}

// MARK: - Agola's format

extension ImportReader {
    private struct AgolaEntry: Decodable {
        let id: String
        let data_type: String
        let data: Data
    }

    private mutating func readObjects() throws {
        while let length = splitter.next(in: buffer) {
            let object = buffer.prefix(length)
            place.advance(over: object.prefix { $0.isJSONSpace })
            try readObject(object.drop { $0.isJSONSpace })
            place.advance(over: object.drop { $0.isJSONSpace })
            buffer.removeFirst(length)
        }
        if splitter.isOutside, let other = buffer.first(where: { !$0.isJSONSpace }), other != UInt8(ascii: "{") {
            throw place.error("expected an object")
        }
        guard buffer.count < Self.longestLine else { throw tooLong }
    }

    private mutating func readObject(_ object: some Sequence<UInt8>) throws {
        let entry: AgolaEntry
        do { entry = try JSONCoding.decode(AgolaEntry.self, from: object) } catch {
            throw place.error(
                "expected {\"id\", \"data_type\", \"data\"} as Agola 0.7 exports them; other versions' exports are not read",
                cause: error
            )
        }
        let record = ImportedRecord(type: entry.data_type, id: entry.id, data: entry.data)
        try order.check(record, announced: nil, at: place)
        entries += 1
        guard converter?.types.contains(record.type) == true else { return try skip(record) }
        let converted = try Self.placed(place, "\(record.type) \(record.id)") { try converter?.convert(record) }
        for record in converted ?? [] { try take(record) }
    }
}

// MARK: - Records

extension ImportReader {
    private mutating func take(_ record: ImportedRecord) throws {
        guard rules.types.contains(record.type) else { return try skip(record) }
        try Self.placed(place, "\(record.type) \(record.id)") {
            try StoreLimits.check(record.id, "the id of a \(record.type)")
            try StoreLimits.check(record.data, limit: StoreLimits.record, "the record")
        }
        batch.append(PlacedRecord(record: record, place: place))
    }

    /// Says where the stream is when a part of it is refused; a full disk is not the stream's fault.
    private static func placed<Value>(
        _ place: ImportPlace,
        _ what: @autoclosure () -> String,
        _ body: () throws -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch let error as APIError {
            throw place.error(error.message, cause: error)
        } catch let error as SystemError {
            throw error
        } catch {
            throw place.error("\(what()) cannot be read", cause: error)
        }
    }

    /// Leaves a record of an unknown type out, if that was asked for.
    private mutating func skip(_ record: ImportedRecord) throws {
        guard rules.skipsUnknown else {
            throw place.error("the type \(record.type) is unknown here; it can be left out if you say so")
        }
        skipped[record.type, default: 0] += 1
    }
}
