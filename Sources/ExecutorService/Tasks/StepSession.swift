import Base
import CLinux
import Glibc
import Model

/// One running step: reads its output, watches its end, and ends it when it must.
///
/// Blocks a thread for the step's life.
struct StepSession {
    /// How a step ended.
    struct Ending: Sendable, Equatable {
        /// The exit status, or 128 and the signal's number.
        var exitStatus: Int
        /// What ended the step before its time.
        var interruption: TaskState.Interruption?
    }

    /// When a step must end, and how fast.
    struct Limits: Sendable {
        /// When the task has taken too long; nil for no limit.
        var deadline: Deadline?
        /// How long a step may take to end after it was asked to, before it is killed.
        var grace: Duration
    }

    /// How long output is awaited after the step's last process ended.
    private static let drain: Duration = .seconds(2)
    private static let pipeBytes: Int32 = 1 << 20
    private static let bufferBytes = 256 << 10

    private let stop: StopSwitch
    private let limits: Limits
    private let output: OwnedDescriptor
    private let child: ChildProcess
    private var interruption: TaskState.Interruption?
    private var killTime: Deadline?
    private var asked: Set<pid_t> = []

    /// Starts the step.
    /// - Parameters:
    ///   - plan: what to execute.
    ///   - hasTerminal: whether the step gets a terminal; otherwise its output is a pipe and its input is empty.
    ///   - stop: ends the step from outside.
    ///   - limits: when the step must end, and how fast.
    /// - Throws: ``SystemError`` when it cannot be started.
    init(_ plan: LaunchPlan, hasTerminal: Bool, stop: StopSwitch, limits: Limits) throws {
        self.stop = stop
        self.limits = limits
        if hasTerminal {
            let pair = try Pseudoterminal()
            output = pair.controller
            child = try plan.start(input: pair.terminal, output: pair.terminal, controlsTerminal: true)
        } else {
            let pipe = try OwnedDescriptor.pair("make a pipe", clinux_open_pipe)
            output = pipe.0
            // A larger pipe only saves wake-ups; where it is refused the usual one does.
            _ = fcntl(pipe.0.number, Self.setPipeSize, Self.pipeBytes)
            let nothing = try OwnedDescriptor(path: "/dev/null", flags: O_RDONLY)
            child = try plan.start(input: nothing, output: pipe.1)
        }
    }

    /// F_SETPIPE_SZ, which the C library shows to GNU sources only.
    private static let setPipeSize: Int32 = 1_031

    /// Reads the step's output to its end.
    /// - Throws: ``SystemError`` when the log cannot be written; the step is then killed.
    mutating func run(into log: inout MaskedLog) throws -> Ending {
        do {
            try follow(into: &log)
        } catch {
            child.killAll()
            _ = child.wait()
            throw error
        }
        let status = child.wait()
        try drainRest(into: &log)
        return Ending(exitStatus: status, interruption: interruption)
    }

    private mutating func follow(into log: inout MaskedLog) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { buffer.deallocate() }
        var isOpen = true
        while true {
            var polls = [
                pollfd(fd: child.descriptor.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop.wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isOpen ? output.number : -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polls, 3, pollMilliseconds)
            guard count >= 0 || errno == EINTR else { throw SystemError("watch a step") }
            if polls[1].revents != 0 { stop.wakeUp.wait() }
            escalate()
            if polls[2].revents != 0 { isOpen = try readSome(into: &log, buffer) }
            if polls[0].revents != 0 { return }
        }
    }

    /// Moves from running to asked to end to killed, as stop switch and clock want it.
    private mutating func escalate() {
        switch stop.position {
        case .running: break
        case .stopped: interrupt(.stopped)
        case .aborted: child.killAll()
        }
        if limits.deadline?.isPast == true { interrupt(.timedOut) }
        guard let killTime else { return }
        // Asked again and again, for what was only being started when the end was decided.
        if killTime.isPast { child.killAll() } else { child.terminateDescendants(except: &asked) }
    }

    private mutating func interrupt(_ reason: TaskState.Interruption) {
        guard interruption == nil else { return }
        interruption = reason
        killTime = .after(limits.grace)
    }

    private var pollMilliseconds: Int32 {
        guard let next = killTime ?? limits.deadline else { return -1 }
        let (seconds, attoseconds) = next.remaining.components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1
        return Int32(clamping: killTime == nil ? milliseconds : min(milliseconds, 100))
    }

    /// Reads once.
    /// - Returns: whether more may come.
    private func readSome(into log: inout MaskedLog, _ buffer: UnsafeMutableRawBufferPointer) throws -> Bool {
        let count = read(output.number, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return true }
        // A terminal whose last user is gone answers with an error instead of an end.
        guard count > 0 else { return false }
        try log.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return true
    }

    /// The processes are dead or dying; what they wrote is still to be read.
    private func drainRest(into log: inout MaskedLog) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { buffer.deallocate() }
        let end = Deadline.after(Self.drain)
        while !end.isPast {
            var waiting = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 100) >= 0 || errno == EINTR else { return }
            if waiting.revents != 0, try !readSome(into: &log, buffer) { return }
        }
    }
}
