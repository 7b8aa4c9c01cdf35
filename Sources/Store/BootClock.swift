import Base
import FoundationEssentials
import Glibc

/// The clock of locks and leases: it counts since the machine started, also while it sleeps, and never jumps.
package struct BootClock: Sendable {
    /// The current start of the machine; deadlines of another start have passed.
    package let bootID: String
    /// Nanoseconds since the machine started.
    package let now: @Sendable () -> Int64

    /// Makes a clock; tests bring their own hands.
    package init(bootID: String, now: @escaping @Sendable () -> Int64) {
        self.bootID = bootID
        self.now = now
    }

    /// The machine's own clock.
    package static func system() throws -> BootClock {
        let path = "/proc/sys/kernel/random/boot_id"
        let text = try attempt("read \(path)") { try String(contentsOf: URL(filePath: path), encoding: .utf8) }
        let bootID = String(text.prefix { !$0.isNewline })
        return BootClock(bootID: bootID) {
            var time = timespec()
            clock_gettime(CLOCK_BOOTTIME, &time)
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
    }

    /// The moment `duration` from now.
    func deadline(after duration: Duration) -> Int64 {
        let parts = duration.components
        let (seconds, overflow) = parts.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let nanoseconds = overflow ? Int64.max / 2 : seconds + parts.attoseconds / 1_000_000_000
        return now() + min(max(nanoseconds, 0), Int64.max / 4)
    }

    /// Whether a stored deadline has passed.
    func isPast(_ deadline: Int64, bootID: String) -> Bool {
        bootID != self.bootID || deadline <= now()
    }
}
