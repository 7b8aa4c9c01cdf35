import Base
import FoundationEssentials
import HTTPTypes

/// A walk over the names of a bucket, page by page.
///
/// An actor, because a page is waited for while the walk's place is kept; it has one consumer.
actor S3Walk {
    private let connection: S3Connection
    private let prefix: String
    private var last: String?
    private var token: String?
    private var page: ArraySlice<ObjectFacts> = []
    private var isAtEnd = false

    init(connection: S3Connection, prefix: String, after: String?) {
        self.connection = connection
        self.prefix = prefix
        last = after
    }

    /// The next object, or nil at the end.
    func next() async throws -> ObjectFacts? {
        while page.isEmpty {
            if isAtEnd { return nil }
            try await fetch()
        }
        return page.popFirst()
    }

    private func fetch() async throws {
        var query = [
            ("encoding-type", "url"), ("list-type", "2"), ("max-keys", String(connection.limits.pageSize)),
            ("prefix", prefix),
        ]
        if let token {
            query.append(("continuation-token", token))
        } else if let last {
            query.append(("start-after", last))
        }
        let answer = try await connection.send(S3Request(.get, nil, query: query), about: prefix, expecting: [404])
        guard answer.isSuccess else { throw refused("S3 answered 404, \(answer.refusal.code)") }
        try take(try S3Uploads.read(answer, "ListBucketResult", prefix))
    }

    private func take(_ root: XMLElement) throws(ObjectStorageError) {
        let isEncoded = root["EncodingType"] == "url"
        for element in root.children where element.name == "Contents" {
            guard let facts = Self.facts(element, isEncoded) else {
                throw refused("S3 listed something without a name")
            }
            guard facts.name.utf8.starts(with: prefix.utf8),
                last.map({ $0.utf8.lexicographicallyPrecedes(facts.name.utf8) }) ?? true
            else { throw refused("S3 does not list names in the order of their bytes") }
            last = facts.name
            // Other programs may keep what they like in a bucket; what breaks our rules is nobody's object.
            if ObjectName.isValid(facts.name) { page.append(facts) }
        }
        guard root["IsTruncated"] == "true" else { return isAtEnd = true }
        guard let next = root["NextContinuationToken"], !next.isEmpty, next != token else {
            throw refused("S3 does not say how its listing goes on")
        }
        token = next
    }

    private static func facts(_ element: XMLElement, _ isEncoded: Bool) -> ObjectFacts? {
        guard let name = element["Key"].flatMap({ decoded($0, isEncoded) }), !name.isEmpty,
            let size = element["Size"].flatMap({ Int64($0) }), size >= 0
        else { return nil }
        let modified = element["LastModified"].flatMap(Timestamp.date)?.timeIntervalSince1970 ?? 0
        return ObjectFacts(name: name, size: size, modified: modified)
    }

    /// A name as it stands in an answer; some servers write a space as a plus.
    static func decoded(_ text: String, _ isEncoded: Bool) -> String? {
        isEncoded ? PercentEncoding.decode(text.replacing("+", with: " ")) : text
    }

    private func refused(_ why: String) -> ObjectStorageError {
        ObjectStorageError(.unavailable, name: prefix, why)
    }
}
