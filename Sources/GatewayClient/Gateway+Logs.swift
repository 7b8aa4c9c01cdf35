import Base
import HTTPTransport
import HTTPTypes

extension Gateway {
    /// Which log of a task is meant.
    public enum LogSelection: Sendable, Equatable {
        /// What happened before the first step.
        case setup
        /// A step's, counted from 0.
        case step(Int)
    }

    /// A step's log in full.
    public struct LogReference: Sendable, Equatable {
        /// Whose run it is.
        public var owner: RunOwner
        /// The run's number.
        public var run: UInt64
        /// The task's id.
        public var task: String
        /// Which of the task's logs.
        public var selection: LogSelection

        /// Names a log.
        public init(owner: RunOwner, run: UInt64, task: String, selection: LogSelection) {
            self.owner = owner
            self.run = run
            self.task = task
            self.selection = selection
        }
    }

    /// Reads a log to its end; a broken connection is taken up again where it broke off.
    /// - Parameters:
    ///   - log: the log.
    ///   - follow: whether to wait for what a running step still writes.
    ///   - take: takes the bytes as they arrive.
    /// - Throws: ``Refusal`` when there is no such log; `HTTPTransportError` when the server stays away.
    public func readLog(_ log: LogReference, follow: Bool, take: ([UInt8]) async throws -> Void) async throws {
        var offset = 0
        var failures = 0
        while true {
            do {
                let body = try await openLog(log, follow: follow, offset: offset).body
                for try await piece in body {
                    try await take(piece)
                    offset += piece.count
                    failures = 0
                }
                return
            } catch let error as HTTPTransportError where Self.isWorthRepeating(error) && failures < Self.patience {
                failures += 1
                try await Task.sleep(for: .milliseconds(100) * (1 << min(failures, 6)))
            }
        }
    }

    private func openLog(_ log: LogReference, follow: Bool, offset: Int) async throws -> HTTPReply {
        var query: [(String, String)] =
            switch log.selection {
            case .setup: [("setup", "")]
            case .step(let number): [("step", "\(number)")]
            }
        if follow { query.append(("follow", "")) }
        if offset > 0 { query.append(("offset", "\(offset)")) }
        let path = "\(log.owner.path)/runs/\(log.run)/tasks/\(PercentEncoding.segment(log.task))/logs"
        return try await exchange(.get, path, query: query, deadline: nil)
    }

    private static func isWorthRepeating(_ error: HTTPTransportError) -> Bool {
        [.cannotConnect, .timedOut, .brokenTransfer].contains(error.kind)
    }

    // About a minute, which a restart of the server takes at most.
    private static let patience = 14
}
