import Base
import GRDB

/// The changes of some scopes, without end; see ``LocalStore/changes(after:scopes:)``.
package struct ChangeFeed: AsyncSequence, Sendable {
    /// One read of the feed.
    struct Page: Sendable {
        let through: Revision
        let keys: [ChangedKey]
    }

    let store: LocalStore
    let scopes: [Scope]
    let after: Revision

    /// Starts to follow.
    package func makeAsyncIterator() -> Iterator {
        Iterator(store: store, scopes: scopes, after: after, subscription: store.signal.subscribe(scopes))
    }

    /// Reads pages and waits between them.
    package struct Iterator: AsyncIteratorProtocol {
        let store: LocalStore
        let scopes: [Scope]
        var after: Revision
        let subscription: ChangeSignal.Subscription

        /// The next change; waits until there is one.
        package mutating func next() async throws -> StoreChange? {
            while true {
                let (after, scopes) = (after, scopes)
                let count = subscription.bell.count
                let page = try await store.read { try $0.changes(after: after, scopes: scopes) }
                self.after = Swift.max(page.through, after)
                if !page.keys.isEmpty { return StoreChange(revision: page.through, keys: page.keys) }
                if page.through <= after { try await subscription.bell.wait(beyond: count) }
            }
        }
    }
}

extension ReadTransaction {
    /// Feed rows of one page; a page ends with a whole commit.
    private static let pageSize = 1000

    /// The changes after `revision`: whole commits, about a thousand rows.
    /// - Throws: ``StoreError`` of kind compacted.
    func changes(after revision: Revision, scopes: [Scope]) throws -> ChangeFeed.Page {
        try context.check()
        let meta = try Meta.read(db)
        guard revision >= meta.feedFloor else {
            throw StoreError(
                .compacted,
                "changes up to revision \(meta.feedFloor) are gone; asked for those after \(revision)"
            )
        }
        let end = try db.firstRow(
            "SELECT revision FROM feed WHERE revision > ? ORDER BY revision, ordinal LIMIT 1 OFFSET \(Self.pageSize)",
            [.integer(revision)]
        )
        let through = try end?.integer("revision") ?? meta.revision
        var keys: [ChangedKey] = []
        var seen: Set<ChangedKey> = []
        try db.forEachRow(
            "SELECT scope, key FROM feed WHERE revision > ? AND revision <= ? ORDER BY revision, ordinal",
            [.integer(revision), .integer(through)]
        ) { row in
            guard let key = ChangedKey(scope: try row.text("scope"), key: try row.text("key")) else { return }
            guard scopes.isEmpty || scopes.contains(where: key.isIn), seen.insert(key).inserted else { return }
            keys.append(key)
        }
        return ChangeFeed.Page(through: through, keys: keys)
    }
}
