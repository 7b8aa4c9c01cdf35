import Base
import Logging
import ServiceLifecycle
import Synchronization

/// Finds out what became of pushes, and puts what is to be announced of them into the outbox.
final class PushSettlement: Service {
    private let repositories: Repositories
    private let objects: GitObjects
    private let outbox: Outbox
    private let deliveries: DeliveryLoop
    private let lanes: Lanes<RepositoryPath>
    private let unsettled = Mutex<Set<RepositoryPath>>([])
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// How long to wait before another try when a repository cannot be settled.
    private static let retryInterval: Duration = .seconds(5)

    /// Settles pushes below `repositories`, one at a time in each of `lanes`.
    init(
        repositories: Repositories,
        objects: GitObjects,
        outbox: Outbox,
        deliveries: DeliveryLoop,
        lanes: Lanes<RepositoryPath>
    ) {
        self.repositories = repositories
        self.objects = objects
        self.outbox = outbox
        self.deliveries = deliveries
        self.lanes = lanes
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Remembers the pushes that an earlier service left behind; to be called before any push is accepted.
    func recall() async throws {
        let found = try await outbox.unsettledRepositories()
        unsettled.withLock { $0.formUnion(found) }
        if !found.isEmpty { wakeUp.yield() }
    }

    /// Whether the repository has no push whose outcome is unknown.
    func isSettled(_ repository: RepositoryPath) -> Bool {
        unsettled.withLock { !$0.contains(repository) }
    }

    /// Has a push settled by ``run()``, because the task that carried it out cannot.
    func leave(_ repository: RepositoryPath) {
        unsettled.withLock { _ = $0.insert(repository) }
        wakeUp.yield()
    }

    /// Settles what was left behind until cancelled.
    func run() async throws {
        for await _ in wakeUps {
            while case let left = unsettled.withLock(\.self), !left.isEmpty {
                for repository in left { await settleLeftOver(repository) }
                guard !unsettled.withLock(\.isEmpty) else { break }
                // Cancellation is the usual end of the sleep and of the loop.
                try? await Task.sleep(for: Self.retryInterval)
                if Task.isCancelled { return }
            }
        }
    }

    /// Settles all pushes of a repository whose lock is held.
    func settle(_ repository: RepositoryPath, in directory: String, _ lock: borrowing PushLock) async throws {
        for intent in try await outbox.intents(of: repository).sorted(by: { $0.receivedAt < $1.receivedAt }) {
            try await settle(intent, repository, in: directory)
        }
        unsettled.withLock { _ = $0.remove(repository) }
    }

    /// Settles one push of a repository whose lock is held.
    func settle(_ intent: PushIntent, _ repository: RepositoryPath, in directory: String) async throws {
        try await attempt("settle a push to \(repository)") {
            let current = try await objects.refs(intent.changes.map(\.ref), in: directory)
            let commits = try await objects.commits(behind: intent.changes.map(\.after), in: directory)
            var applied: [PushIntent.Change] = []
            for change in intent.changes {
                switch change.outcome(now: current[change.ref]) {
                case .dropped: continue
                case .applied: applied.append(change)
                case .superseded(let other):
                    guard commits[change.after] != nil else { continue }
                    if try await objects.isAncestor(change.after, of: other, in: directory) { applied.append(change) }
                }
            }
            try await repositories.synchronize(repository, refs: applied.map(\.ref))
            let projects = applied.isEmpty ? [] : try await outbox.projects(of: repository)
            let announced = try intent.deliveries(of: applied, commits: commits, to: projects)
            try FailPoint.pushSettle.pass()
            try await outbox.settle(intent, announced)
            deliveries.add(announced)
        }
    }

    private func settleLeftOver(_ repository: RepositoryPath) async {
        do {
            try await lanes.withLane(repository) {
                guard !isSettled(repository) else { return }
                guard let directory = repositories.directoryIfExisting(repository) else {
                    try await outbox.forget(repository)
                    unsettled.withLock { _ = $0.remove(repository) }
                    return
                }
                try await settle(repository, in: directory, PushLock.acquire(directory))
            }
        } catch {
            guard !ErrorChain(error).isCancellation else { return }
            Logger.current.error("cannot settle pushes", error: error, metadata: ["repository": "\(repository)"])
        }
    }
}
