import Base
import Glibc
import ServiceKit
import Synchronization
import TestSupport

/// Does faults to an installation.
final class FaultInjector: Sendable {
    private struct State {
        var counts: [String: Int] = [:]
        var history: [String] = []
    }

    /// The file that fills the disk.
    static let ballast = "ballast"

    private let processes: ComponentProcesses
    private let disk: String?
    private let state = Mutex(State())

    /// Breaks `processes`, and fills the file system of `disk`, which must be one of its own.
    init(processes: ComponentProcesses, disk: String?) {
        self.processes = processes
        self.disk = disk
    }

    /// How often what was done.
    var counts: [String: Int] { state.withLock(\.counts) }

    /// What was done since the last call, in order.
    func takeHistory() -> [String] {
        state.withLock { state in
            defer { state.history = [] }
            return state.history
        }
    }

    /// Does one fault after the other until the time is over, some at once, and then undoes all that can be undone.
    func run(_ random: inout SeededGenerator, until end: Deadline) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            while !end.isPast {
                try await Task.sleep(for: .milliseconds(.random(in: 0...900, using: &random)))
                let fault = Fault.random(&random, hasDisk: disk != nil)
                note(fault)
                group.addTask { try await self.do(fault, until: end) }
            }
            try await group.waitForAll()
        }
        for (component, _) in processes.lives { try processes.instruct(component, "") }
        processes.resumeAll()
    }

    private func note(_ fault: Fault) {
        state.withLock { state in
            state.history.append("\(fault)")
            state.counts[String("\(fault)".prefix { $0 != " " }), default: 0] += 1
        }
    }

    private func `do`(_ fault: Fault, until end: Deadline) async throws {
        switch fault {
        case .kill(let component):
            try await processes.kill(component.rawValue)
        case .pause(let component, let time):
            // No pause makes a round much longer than it is to be.
            try await processes.pause(
                component.rawValue,
                for: min(time, max(end.remaining, .zero) + .milliseconds(1_500))
            )
        case .failPoint(let component, let plan, let time):
            try processes.instruct(component.rawValue, plan)
            guard let time else { return }
            try await Task.sleep(for: time)
            try processes.instruct(component.rawValue, "")
        case .fullDisk(let time):
            guard let disk else { return }
            processes.expectTrouble(true)
            defer { processes.expectTrouble(false) }
            let ballast = "\(disk)/\(Self.ballast)"
            defer { unlink(ballast) }
            try Self.fill(ballast)
            try await Task.sleep(for: time)
        }
    }

    /// Takes all the room there is.
    private static func fill(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(path)") }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 1, count: 1 << 20)
        while piece.count >= 512 {
            let count = write(descriptor, piece, piece.count)
            if count == piece.count { continue }
            guard count >= 0 || errno == ENOSPC else { throw SystemError("fill \(path)") }
            piece.removeLast(piece.count / 2)
        }
    }
}
