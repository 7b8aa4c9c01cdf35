import Base
import Logging
import Model
package import ServiceKit
import ServiceLifecycle
import Synchronization
package import WorkerClients

/// Runs the tasks that the runservice gives to this executor.
///
/// Talks only *to* the runservice, so it may sit behind NAT. Stopping it ends its tasks; the next process with the same data
/// directory sends the rest of their logs and reports them as failed, and so it does after a crash.
package struct ExecutorDaemon: Service {
    private let configuration: ExecutorConfiguration
    private let link: any RunServiceLink
    private let stepThreads: BlockingPool
    private let files: BlockingPool
    private let grace: Duration
    private let isReady = Flag()

    /// Prepares the daemon.
    /// - Parameters:
    ///   - configuration: the executor's settings.
    ///   - runService: the runservice.
    /// - Throws: ``SystemError`` when the process has no descriptor left.
    package init(configuration: ExecutorConfiguration, runService: RunServiceClient) throws {
        try self.init(configuration: configuration, link: runService)
    }

    /// Prepares the daemon with whatever stands for the runservice.
    /// - Throws: ``SystemError`` when the process has no descriptor left.
    init(configuration: ExecutorConfiguration, link: any RunServiceLink, grace: Duration = .seconds(10)) throws {
        self.configuration = configuration
        self.grace = grace
        self.link = link
        stepThreads = BlockingPool(name: "step", threads: max(1, configuration.activeTasksLimit))
        files = BlockingPool(name: "executor-files", threads: 4)
    }

    /// Runs tasks until graceful shutdown.
    /// - Throws: ``Failure`` when the data directory is in use, or tasks cannot be isolated here: it says what is missing.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runTasks() }
            if !configuration.socketPath.isEmpty { group.addTask { try await health.run() } }
            // Both end by themselves at graceful shutdown; a failure of one ends the other.
            try await group.waitForAll()
        }
    }

    private var health: InternalServer {
        InternalServer(
            name: "executor",
            socketPath: configuration.socketPath,
            token: nil,
            isReady: { isReady.isSet },
            addRoutes: { _ in }
        )
    }

    private func runTasks() async throws {
        try await cancelWhenGracefulShutdown {
            do {
                try await serve()
            } catch {
                // The end that was asked for is not a failure.
                if !ErrorChain(error).isCancellation { throw error }
            }
        }
    }

    private func serve() async throws {
        let directory = configuration.dataDirectory
        let (id, lock) = try await files.run {
            (try ExecutorIdentity.load(from: directory), try DirectoryLock(directory, for: "executor"))
        }
        let driver = try DriverChoice.make(configuration, executor: id, files: files)
        do {
            try await use(driver, as: id)
        } catch {
            await driver.close()
            withExtendedLifetime(lock) {}
            throw error
        }
    }

    /// Lasts until cancelled.
    private func use(_ driver: any Driver, as id: ExecutorID) async throws {
        let directory = configuration.dataDirectory
        try await attempt("prepare the \(configuration.driver.rawValue) driver") { try await driver.prepare() }
        let records = try await files.run { try TaskDirectory.records(in: directory) }
        let exchange = WorkExchange(link: link, executor: id, registration: registration)
        let surroundings = TaskRunner.Surroundings(
            driver: driver,
            stepThreads: stepThreads,
            files: files,
            grace: grace
        )
        let roster = TaskRoster(
            executor: id,
            records: records,
            dataDirectory: directory,
            link: link,
            surroundings: surroundings
        )
        isReady.set()
        Logger.current.notice("executor started", metadata: ["executor": "\(id)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await driver.run() }
            group.addTask { try await exchange.keepRegistered() }
            group.addTask { try await exchange.followWork { roster.take($0) } }
            group.addTask { try await roster.run() }
            defer { group.cancelAll() }
            try await group.waitForAll()
        }
    }

    private var registration: ExecutorRegistration {
        ExecutorRegistration(
            architectures: [Architecture.current],
            labels: configuration.labels,
            allowsPrivileged: configuration.allowsPrivileged,
            activeTasksLimit: configuration.activeTasksLimit
        )
    }
}

/// Something that becomes true once.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() {
        value.store(true, ordering: .releasing)
    }
}

/// The processor's architecture in Go's names, as pipelines write it.
private enum Architecture {
    static var current: String {
        #if arch(x86_64)
        "amd64"
        #elseif arch(arm64)
        "arm64"
        #else
        "unknown"
        #endif
    }
}
