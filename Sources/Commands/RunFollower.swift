import Base
import GatewayClient
import HTTPTransport

/// Prints the logs of runs while they run: logs on standard output, what is going on beside it.
struct RunFollower {
    private let gateway: Gateway
    private let owner: Gateway.RunOwner
    private let interval: Duration

    /// How many answers may fail to come, one after the other, before we give up: a restart of the server takes less.
    private static let patience = 60

    /// Follows runs of `owner`, looking for progress every `interval`.
    init(_ gateway: Gateway, _ owner: Gateway.RunOwner, interval: Duration = .milliseconds(500)) {
        self.gateway = gateway
        self.owner = owner
        self.interval = interval
    }

    /// Follows runs one after the other to their ends.
    /// - Throws: ``CommandFailure`` with the outcome `runFailed` when one of them did not succeed.
    func follow(_ numbers: [UInt64]) async throws {
        var failed: [String] = []
        for number in numbers {
            let run = try await follow(number)
            let verdict = run.phase == "finished" ? run.result : run.phase
            Terminal.current.tell("run \(run.number) (\(run.name)): \(verdict)")
            if verdict != "success" { failed.append("\(run.number)") }
        }
        guard failed.isEmpty else {
            throw CommandFailure("not successful: run \(failed.joined(separator: ", "))", .runFailed)
        }
    }

    private func follow(_ number: UInt64) async throws -> Gateway.Run {
        var printed: Set<String> = []
        while true {
            let run = try await patiently { try await gateway.run(number, of: owner) }
            let next = run.orderedTasks.first { $0.status != "notstarted" && !printed.contains($0.id) }
            if let next {
                try await follow(next, of: run)
                printed.insert(next.id)
            } else if run.hasEnded {
                for error in run.setupErrors ?? [] { Terminal.current.tell(error) }
                return run
            } else {
                try await Task.sleep(for: interval)
            }
        }
    }

    private func follow(_ task: Gateway.RunTask, of run: Gateway.Run) async throws {
        var next = 0
        while true {
            let details = try await patiently { try await gateway.task(task.id, run: run.number, of: owner) }
            if next < details.steps.count, details.steps[next].phase != "notstarted" {
                if try await printLog(details, next, run) { next += 1 } else { try await Task.sleep(for: interval) }
            } else if details.hasEnded {
                let reason = details.failError.map { ": \($0)" } ?? ""
                return Terminal.current.tell("— task \(details.name): \(details.status)\(reason)")
            } else {
                try await Task.sleep(for: interval)
            }
        }
    }

    /// Prints a step's log to its end; false when the step has begun and its log has not.
    private func printLog(_ task: Gateway.TaskDetails, _ step: Int, _ run: Gateway.Run) async throws -> Bool {
        let name = task.steps[step].name
        var isAnnounced = false
        func announce() {
            guard !isAnnounced else { return }
            isAnnounced = true
            Terminal.current.tell("— task \(task.name), step \(step)\(name.isEmpty ? "" : " (\(name))")")
        }
        let log = Gateway.LogReference(owner: owner, run: run.number, task: task.id, selection: .step(step))
        do {
            try await gateway.readLog(log, follow: true) { bytes in
                announce()
                try Terminal.current.write(bytes)
            }
        } catch {
            guard ErrorChain(error).first(Gateway.Refusal.self)?.status == 404 else { throw error }
            // A step that was cancelled never gets a log.
            if task.steps[step].phase == "running" { return false }
        }
        announce()
        return true
    }

    private func patiently<Value>(_ call: () async throws -> Value) async throws -> Value {
        var failures = 0
        while true {
            do {
                return try await call()
            } catch let error as HTTPTransportError where failures < Self.patience && error.kind != .badURL {
                failures += 1
                try await Task.sleep(for: interval)
            }
        }
    }
}
