import Base
package import Model

/// Where a cache is kept: the namespace of its run and the key of its step, percent-encoded as one name.
package struct CacheKey: Hashable, Sendable {
    /// Characters that namespace and key may have together, encoded.
    package static let limit = 200

    /// The encoded text.
    package let text: String

    /// Names a cache.
    /// - Parameters:
    ///   - key: what the pipeline calls it, or the beginning of that.
    ///   - definition: the run's definition: its cache group, or else its project or user, is the namespace.
    /// - Throws: ``APIError`` of kind `badRequest` with code `invalidCacheKey`.
    package init(_ key: String, of definition: RunDefinition) throws {
        let root = RunGroup.root(of: definition.group).split(separator: "/").last.map(String.init) ?? ""
        text = PercentEncoding.segment("\(definition.cacheGroup ?? root)-\(key)")
        guard !key.isEmpty, text.utf8.count <= Self.limit else {
            throw APIError(
                .badRequest,
                code: "invalidCacheKey",
                "A cache's key has at least one character, and with its namespace at most \(Self.limit) in encoded form."
            )
        }
    }

    /// The object's name.
    var name: String { "\(RunObjects.caches)\(text)\(Self.suffix)" }

    /// What the names of all caches begin with whose keys begin with this one.
    var prefix: String { "\(RunObjects.caches)\(text)" }

    /// Whether an object that was listed under ``prefix`` is a cache whose key begins with this one.
    func begins(_ name: String) -> Bool {
        name.hasSuffix(Self.suffix) && name.dropLast(Self.suffix.count).hasPrefix(prefix)
            && !name.dropFirst(RunObjects.caches.count).contains("/")
    }

    private static let suffix = ".tar"
}
