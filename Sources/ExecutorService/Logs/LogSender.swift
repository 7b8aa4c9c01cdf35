import Base
import Logging
import Model

/// Sends the logs of a task as they grow, each byte once, and resumes where the runservice says it has stored them.
struct LogSender: Sendable {
    /// The most bytes of one request.
    static let chunkLimit = 1 << 20

    /// How often a read that fails is tried again.
    private static let readings = 4
    private static let lossNote =
        "martlet: the rest of this log is lost, the executor could not read it from its disk\n"

    private let exchange: TaskExchange
    private let logs: TaskLogs
    private let pool: BlockingPool
    private let asksFirst: Bool

    /// Prepares the sender of one task.
    /// - Parameters:
    ///   - exchange: reaches the runservice on behalf of the task.
    ///   - logs: what to send.
    ///   - pool: reads the files.
    ///   - asksFirst: whether the runservice may have bytes already.
    init(_ exchange: TaskExchange, logs: TaskLogs, pool: BlockingPool, asksFirst: Bool) {
        self.exchange = exchange
        self.logs = logs
        self.pool = pool
        self.asksFirst = asksFirst
    }

    /// Sends until the logs are closed and every byte is acknowledged.
    /// - Returns: how much of each log the runservice has; more than there is here when the disk lost some of it.
    /// - Throws: ``TaskDropped`` when the runservice no longer wants the task, or `CancellationError`.
    @discardableResult
    func run() async throws -> [LogSelector: Int64] {
        var offsets: [Int64] = []
        while true {
            let (spools, isClosed) = logs.current
            for (index, spool) in spools.enumerated() {
                if index == offsets.count { offsets.append(asksFirst ? try await send([], of: spool, at: 0) : 0) }
                offsets[index] = try await sendRest(of: spool, from: offsets[index])
            }
            let isDone = zip(spools, offsets).allSatisfy { $0.extent.isComplete && $0.extent.length <= $1 }
            if isClosed, isDone { return Dictionary(zip(spools.map(\.selector), offsets)) { $1 } }
            try await logs.changed.wait()
        }
    }

    private func sendRest(of spool: LogSpool, from start: Int64) async throws -> Int64 {
        var offset = start
        while spool.extent.length > offset {
            offset = try await send(try await read(spool, at: offset), of: spool, at: offset)
        }
        return offset
    }

    /// What is there from an offset on; a log that cannot be read ends there, and says so.
    private func read(_ spool: LogSpool, at offset: Int64) async throws -> [UInt8] {
        var backoff = Backoff()
        while true {
            do {
                return try await pool.run { try spool.read(at: offset, limit: Self.chunkLimit) }
            } catch {
                if ErrorChain(error).isCancellation { throw error }
                Logger.current.error("log of a task cannot be read", error: error)
                if backoff.failures == Self.readings { spool.cut(at: offset, note: Self.lossNote) }
            }
            try await backoff.wait()
        }
    }

    private func send(_ bytes: [UInt8], of spool: LogSpool, at offset: Int64) async throws -> Int64 {
        try await exchange.sendLog(spool.selector, offset: offset, bytes: bytes)
    }
}
