import Base
package import FoundationEssentials
import Logging
import Model
package import ObjectStorage
package import ServiceKit
package import Store

/// Keeps the object storage as small as it should be: removes what is too old, and what nothing refers to.
///
/// One process of all does so at a time, under a lock of the store. Nothing that a run refers to is removed before its age: what looks
/// unused must be older than ``Limits/unused``, be the data of a task that no run in the store has, and carry no younger marker.
package struct ObjectKeeping: Sendable {
    /// How old things may get, in time since they were written.
    package struct Limits: Sendable {
        /// Caches; nil for ever.
        package var caches: Duration?
        /// What one tree holds; trees that are missing are kept for ever.
        package var trees: [RunObjects.Tree: Duration]
        /// What nothing refers to.
        package var unused: Duration

        /// Sets limits.
        package init(caches: Duration?, trees: [RunObjects.Tree: Duration], unused: Duration = .seconds(24 * 3600)) {
            self.caches = caches
            self.trees = trees
            self.unused = unused
        }
    }

    private let store: ServiceStore
    private let objects: any ObjectStore
    private let intake: LogIntake
    private let queries: RunQueries
    private let markers: TaskMarkers
    private let limits: Limits
    private let now: @Sendable () -> Date

    /// Keeps what is in `objects` and in the directory of `intake`.
    package init(
        store: ServiceStore,
        objects: any ObjectStore,
        intake: LogIntake,
        limits: Limits,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.objects = objects
        self.intake = intake
        self.limits = limits
        self.now = now
        queries = RunQueries(store: store)
        markers = TaskMarkers(objects: objects, queries: queries)
    }

    /// A pass now, and then one a day.
    package func loop() -> PeriodicLoop {
        PeriodicLoop("object keeping", every: .seconds(24 * 3600)) { try await pass() }
    }

    /// One pass, unless another process is at it.
    package func pass() async throws {
        do {
            try await store.authority.withLock("object-keeping", wait: false) { _ in try await keep() }
        } catch let error as StoreError where error.kind == .locked {
            Logger.current.debug("objects are kept by another process now")
        }
    }

    private func keep() async throws {
        // What other processes committed before this moment is seen from here on.
        try await store.store.waitApplied(store.authority.currentRevision(), timeout: .seconds(30))
        let mayReap = try await hasSettled()
        try await expireCaches()
        for tree in RunObjects.Tree.allCases {
            var folders = try TaskFolders(tree, in: objects)
            while let folder = try await folders.nextFolder() {
                try await tolerating(folder.task) {
                    if isOlder(folder.newest, than: limits.trees[tree]) {
                        try await expire(folder)
                    } else if mayReap {
                        try await reap(folder)
                    }
                }
            }
        }
        if mayReap { try await reapGrowingLogs() }
    }

    // One object that cannot be removed must not keep all others.
    private func tolerating(_ task: TaskID, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            if ErrorChain(error).isCancellation { throw error }
            Logger.current.error("objects of a task cannot be removed", error: error, metadata: ["task": "\(task)"])
        }
    }

    private func isOlder(_ modified: Double, than limit: Duration?) -> Bool {
        guard let limit else { return false }
        return modified < now().timeIntervalSince1970 - limit / .seconds(1)
    }
}

// MARK: - What is too old

extension ObjectKeeping {
    private func expireCaches() async throws {
        for try await facts in try objects.list(prefix: RunObjects.caches, after: nil)
        where isOlder(facts.modified, than: limits.caches) {
            try await objects.delete(facts.name)
        }
    }

    // Markers age like data; a run that began to use old data a moment ago keeps it for as long as its own marker lives.
    private func expire(_ folder: TaskFolder) async throws {
        for marker in folder.markers { try await objects.delete(marker.facts.name) }
        guard try await markers.isEmpty(folder.tree.markers(of: folder.task)) else { return }
        try await markers.removeData(folder.tree, of: folder.task)
        Logger.current.debug("data expired", metadata: ["tree": "\(folder.tree.rawValue)", "task": "\(folder.task)"])
    }
}

// MARK: - What nothing refers to

extension ObjectKeeping {
    // A store that was just made or filled may still get the runs to which the objects belong, by an import.
    private func hasSettled() async throws -> Bool {
        let key = RunKeys.objectsKeptSince
        guard let stored = try await store.read({ try $0.live(key) }) else {
            var batch = Batch()
            batch.expect(.live(key: key, .absent))
            batch.put(live: key, try JSONCoding.encode(now()))
            _ = try await store.commit(batch)
            return false
        }
        let since = try JSONCoding.decode(Date.self, from: stored.data)
        return isOlder(since.timeIntervalSince1970, than: limits.unused)
    }

    private func reap(_ folder: TaskFolder) async throws {
        let runs = try await queries.runs(with: folder.task)
        for marker in folder.markers
        where !runs.contains(marker.run) && isOlder(marker.facts.modified, than: limits.unused) {
            try await objects.delete(marker.facts.name)
        }
        guard runs.isEmpty, isOlder(folder.newest, than: limits.unused) else { return }
        guard try await markers.removeUnused(folder.tree, of: folder.task) else { return }
        Logger.current.info(
            "removed data that no run refers to",
            metadata: ["tree": "\(folder.tree.rawValue)", "task": "\(folder.task)"]
        )
    }

    private func reapGrowingLogs() async throws {
        let limit = now().timeIntervalSince1970 - limits.unused / .seconds(1)
        for task in try await intake.tasks() where try await queries.runs(with: task).isEmpty {
            try await tolerating(task) {
                guard try await intake.discard(task, untouchedSince: limit) else { return }
                Logger.current.info("removed logs of a task that nobody knows", metadata: ["task": "\(task)"])
            }
        }
    }
}
