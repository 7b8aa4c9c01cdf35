#if MARTLET_FAILPOINTS
import Glibc
import Synchronization

/// The failpoints of this process while somebody wants something of them.
///
/// The plan comes from the environment's `MARTLET_FAILPOINTS`, or from the file that `MARTLET_FAILPOINTS_FILE` names, which is read
/// again whenever it has changed. Whatever acts is noted first, as a line `<pid> <name> <action>` of the file `<file>.acted`.
@usableFromInline
final class ArmedFailPoints: Sendable {
    private struct State {
        var plan = FailPlan()
        var passes: [FailPoint: UInt64] = [:]
        var version: [Int] = []
    }

    /// Nil in every process that nobody told anything.
    @usableFromInline static let shared = ArmedFailPoints()

    private let file: String?
    private let state = Mutex(State())

    private init?() {
        file = Self.variable("MARTLET_FAILPOINTS_FILE")
        let text = Self.variable("MARTLET_FAILPOINTS")
        guard file != nil || text != nil else { return nil }
        if let text { state.withLock { $0.plan = Self.plan(text) } }
    }

    @usableFromInline
    func pass(_ point: FailPoint) throws {
        guard let action = action(at: point) else { return }
        try act(action, point)
    }

    @usableFromInline
    func reach(_ point: FailPoint) {
        // Only errors are thrown, and a place that cannot fail has none.
        do { try pass(point) } catch {}
    }

    @usableFromInline
    func write(_ point: FailPoint, _ count: Int, _ write: (Int) throws -> Void) throws {
        switch action(at: point) {
        case .torn(let bytes):
            try write(min(bytes, count))
            try act(.kill, point)
        case .cut(let bytes):
            try write(min(bytes, count))
            try act(.error(ENOSPC), point)
        case let action:
            if let action { try act(action, point) }
            try write(count)
        }
    }

    private func action(at point: FailPoint) -> FailPlan.Action? {
        state.withLock { state in
            reload(&state)
            state.passes[point, default: 0] += 1
            return state.plan.action(at: point, pass: state.passes[point, default: 1])
        }
    }

    private func act(_ action: FailPlan.Action, _ point: FailPoint) throws {
        note("\(getpid()) \(point.rawValue) \(action)\n")
        // Raised for this thread: a signal for the process might reach another one while this one goes on for a moment.
        switch action {
        case .kill: raise(SIGKILL)
        case .pause: raise(SIGSTOP)
        case .error(let code): throw SystemError("pass \(point.rawValue)", code: code)
        case .delay(let milliseconds): usleep(UInt32(clamping: milliseconds) &* 1_000)
        case .torn, .cut: preconditionFailure("\(point.rawValue) writes no bytes")
        }
    }

    // MARK: Outside

    /// A new file begins a new count of passes.
    private func reload(_ state: inout State) {
        guard let file else { return }
        var facts = Glibc.stat()
        guard stat(file, &facts) == 0 else {
            state.version = []
            state.plan = FailPlan()
            return
        }
        let version = [Int(facts.st_ino), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, Int(facts.st_size)]
        guard version != state.version else { return }
        state.version = version
        state.passes = [:]
        state.plan = Self.plan(Self.contents(of: file))
    }

    private func note(_ line: String) {
        guard let file else { return }
        let descriptor = open("\(file).acted", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let bytes = Array(line.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    private static func contents(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Whoever tells a name that does not exist believes that something is tested which is not: the process ends.
    private static func plan(_ text: String) -> FailPlan {
        do { return try FailPlan(text: text) } catch {
            let bytes = Array("\(error)\n".utf8)
            _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
            exit(64)
        }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
#endif
