import Base
import CLinux
import Glibc

/// A child of the executor, watched and signalled through a descriptor, so that a number used again never deceives.
struct ChildProcess: Sendable {
    /// The child's number.
    let pid: pid_t
    /// Readable when the child has ended.
    let descriptor: OwnedDescriptor
    private let leads: Bool

    /// Takes over a child that nobody has waited for.
    /// - Parameters:
    ///   - pid: the child.
    ///   - leads: whether the child is a leader that kills its descendants when told to.
    /// - Throws: ``SystemError``; the child is then killed.
    init(adopting pid: pid_t, leads: Bool) throws {
        self.pid = pid
        self.leads = leads
        let number = clinux_pidfd_open(pid)
        guard number >= 0 else {
            let error = SystemError("watch process \(pid)")
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
        descriptor = OwnedDescriptor(number)
    }

    /// Kills the child with all its descendants: a leader sees to its own, a sandbox dies with its first process.
    func killAll() {
        clinux_pidfd_send_signal(descriptor.number, leads ? SIGUSR1 : SIGKILL)
    }

    /// Asks the processes below the child to end, those excepted that were asked before.
    func terminateDescendants(except asked: inout Set<pid_t>) {
        for descendant in ProcessTable.descendants(of: pid) where asked.insert(descendant).inserted {
            kill(descendant, SIGTERM)
        }
    }

    /// Whether the child has not ended.
    var isRunning: Bool {
        var ended = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        return poll(&ended, 1, 0) == 0
    }

    /// Waits until the child has ended; blocks.
    /// - Returns: the exit status, or 128 and the signal's number.
    func wait() -> Int {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return 255 }
        }
        let signal = status & 0x7f
        return signal == 0 ? Int((status >> 8) & 0xff) : 128 + Int(signal)
    }
}
