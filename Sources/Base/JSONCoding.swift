public import FoundationEssentials

/// The one way Martlet reads and writes JSON: property names as keys, times as RFC 3339 with fraction, sorted keys.
public enum JSONCoding {
    /// Encodes a value.
    /// - Throws: ``Failure`` naming the type.
    public static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Timestamp.text(date))
        }
        return try attempt("encode \(type(of: value)) as JSON") { try encoder.encode(value) }
    }

    /// Decodes a value.
    /// - Throws: ``Failure`` naming the type, with the decoder's own words below.
    public static func decode<Value: Decodable>(_ type: Value.Type, from data: some Sequence<UInt8>) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let date = Timestamp.date(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time")
            }
            return date
        }
        return try attempt("decode \(type) from JSON") { try decoder.decode(type, from: Data(data)) }
    }
}
