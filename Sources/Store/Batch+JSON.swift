import Base
import FoundationEssentials

/// A decoded value with the commit that wrote it.
package struct StoredValue<Value: Sendable>: Sendable {
    /// The value.
    package let value: Value
    /// The commit that last wrote it: what a later batch expects.
    package let revision: Revision
}

extension Batch {
    /// Writes a record as JSON.
    package mutating func put(record id: String, type: String, value: some Encodable) throws {
        put(record: id, type: type, try attempt("encode \(type) \(id)") { try JSONCoding.encode(value) })
    }

    /// Writes a live key as JSON.
    package mutating func put(live key: String, value: some Encodable, lease: LeaseHandle? = nil) throws {
        put(live: key, try attempt("encode live key \(key)") { try JSONCoding.encode(value) }, lease: lease)
    }

    /// Appends an event as JSON.
    package mutating func append(event: some Encodable, to stream: String) throws {
        append(event: try attempt("encode an event of \(stream)") { try JSONCoding.encode(event) }, to: stream)
    }
}

extension ReadTransaction {
    /// A record read as JSON, or nil when there is none.
    package func record<Value: Decodable & Sendable>(
        type: String,
        id: String,
        as value: Value.Type
    ) throws -> StoredValue<Value>? {
        try record(type: type, id: id).map { stored in try stored.decoded(value, "record \(type) \(id)") }
    }

    /// Records of a type read as JSON, in ascending byte order of their ids.
    package func records<Value: Decodable & Sendable>(
        type: String,
        after id: String? = nil,
        limit: Int = 500,
        as value: Value.Type
    ) throws -> [(id: String, value: StoredValue<Value>)] {
        try records(type: type, after: id, limit: limit).map { id, stored in
            (id: id, value: try stored.decoded(value, "record \(type) \(id)"))
        }
    }

    /// A live key's value read as JSON, or nil when there is none.
    package func live<Value: Decodable & Sendable>(_ key: String, as value: Value.Type) throws -> StoredValue<Value>? {
        try live(key).map { stored in try stored.decoded(value, "live key \(key)") }
    }

    /// Live keys that begin with a prefix, read as JSON, in ascending byte order.
    package func live<Value: Decodable & Sendable>(
        prefix: String,
        after key: String? = nil,
        limit: Int = 500,
        as value: Value.Type
    ) throws -> [(key: String, value: StoredValue<Value>)] {
        try live(prefix: prefix, after: key, limit: limit).map { key, stored in
            (key: key, value: try stored.decoded(value, "live key \(key)"))
        }
    }
}

extension Stored {
    /// The value read as JSON; `what` names it in errors.
    package func decoded<Value: Decodable & Sendable>(
        _ type: Value.Type,
        _ what: @autoclosure () -> String
    ) throws -> StoredValue<Value> {
        let value = try attempt("decode \(what())") { try JSONCoding.decode(type, from: data) }
        return StoredValue(value: value, revision: revision)
    }
}

extension StoredEvent {
    /// The event read as JSON.
    package func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try attempt("decode event \(sequence)") { try JSONCoding.decode(type, from: data) }
    }
}
