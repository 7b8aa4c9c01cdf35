import FoundationEssentials

/// A line of an export that holds a record; it is read only in the exact shape in which it is written.
enum ExportEntry {
    private static let beforeID = Array("{\"id\":".utf8)
    private static let beforeType = Array(",\"data_type\":".utf8)
    private static let beforeData = Array(",\"data\":\"".utf8)
    private static let ending = Array("\"}\n".utf8)

    /// The record, or nil when the line has another shape.
    static func record(in line: [UInt8]) -> ImportedRecord? {
        var rest = line[...]
        guard skip(beforeID, &rest), let id = JSONText.unquoted(&rest), skip(beforeType, &rest),
            let type = JSONText.unquoted(&rest), skip(beforeData, &rest), rest.suffix(3).elementsEqual(ending),
            let data = Data(base64Encoded: Data(rest.dropLast(3)))
        else { return nil }
        return ImportedRecord(type: type, id: id, data: data)
    }

    private static func skip(_ text: [UInt8], _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.starts(with: text) else { return false }
        rest.removeFirst(text.count)
        return true
    }
}
