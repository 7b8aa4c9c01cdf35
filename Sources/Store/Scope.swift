/// A part of the store whose changes somebody follows.
package enum Scope: Sendable, Hashable {
    /// All records of a type.
    case records(type: String)
    /// All live keys that begin with a prefix; an empty one means every key.
    case live(prefix: String)
    /// Appends to a stream.
    case events(stream: String)
}

/// A thing that changed; consumers read its value themselves.
package enum ChangedKey: Sendable, Hashable {
    /// A record.
    case record(type: String, id: String)
    /// A live key.
    case live(String)
    /// A stream got events.
    case events(stream: String)

    /// Whether the thing lies in `scope`.
    func isIn(_ scope: Scope) -> Bool {
        switch (self, scope) {
        case (.record(let type, _), .records(let followed)): type == followed
        case (.live(let key), .live(let prefix)): key.utf8.starts(with: prefix.utf8)
        case (.events(let stream), .events(let followed)): stream == followed
        default: false
        }
    }

    /// The columns of a feed row.
    var feedColumns: (scope: String, key: String) {
        switch self {
        case .record(let type, let id): ("r/\(type)", id)
        case .live(let key): ("l", key)
        case .events(let stream): ("e", stream)
        }
    }

    /// Reads the columns of a feed row; nil for a scope that a newer version wrote.
    init?(scope: String, key: String) {
        switch scope {
        case "l": self = .live(key)
        case "e": self = .events(stream: key)
        default:
            guard scope.hasPrefix("r/") else { return nil }
            self = .record(type: String(scope.dropFirst(2)), id: key)
        }
    }
}

/// Some commits' changes, merged: what to read again.
package struct StoreChange: Sendable, Equatable {
    /// Everything up to here is covered; resume after it.
    package let revision: Revision
    /// What changed, each once, in the order of the first change.
    package let keys: [ChangedKey]

    /// Makes a change from its parts.
    package init(revision: Revision, keys: [ChangedKey]) {
        self.revision = revision
        self.keys = keys
    }
}
