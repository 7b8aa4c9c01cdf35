import Base
import Logging
import ServiceLifecycle
import Synchronization

/// Joins the packs that pushes leave, one each, before there are too many to search.
///
/// No object is ever dropped: a run may still fetch the commit that a later push made unreachable. Readers and pushes go on
/// meanwhile; git looks again when a pack it knew has gone.
final class PackCare: Service {
    private let git: GitCommand
    private let repositories: Repositories
    private let limit: Int
    private let waiting = Mutex<Set<RepositoryPath>>([])
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// Cares for repositories with more than `limit` packs.
    init(git: GitCommand, repositories: Repositories, limit: Int = 40) {
        self.git = git
        self.repositories = repositories
        self.limit = limit
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Has a repository cared for if it needs that.
    func consider(_ repository: RepositoryPath) async {
        do {
            guard try await repositories.packCount(repository) > limit else { return }
            waiting.withLock { _ = $0.insert(repository) }
            wakeUp.yield()
        } catch {
            log(error, repository)
        }
    }

    /// Cares for repositories, one after the other, until cancelled.
    func run() async throws {
        for await _ in wakeUps {
            while let repository = waiting.withLock({ $0.popFirst() }) { await join(repository) }
        }
    }

    private func join(_ repository: RepositoryPath) async {
        guard let directory = repositories.directoryIfExisting(repository) else { return }
        do {
            // Each pack holds twice as much as the next smaller one afterwards, so large ones are seldom written again.
            _ = try await git.output(["repack", "-d", "--geometric=2", "--quiet"], in: directory)
        } catch {
            log(error, repository)
        }
    }

    private func log(_ error: any Error, _ repository: RepositoryPath) {
        guard !ErrorChain(error).isCancellation else { return }
        Logger.current.warning("cannot join packs", error: error, metadata: ["repository": "\(repository)"])
    }
}
