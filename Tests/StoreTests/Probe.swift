import Base
import Foundation
import Synchronization
import TestSupport
import Testing

/// A second process on the test's store; it is killed when the test leaves it.
final class Probe: Sendable {
    let report: String
    private let pid: pid_t
    private let isReaped = Mutex(false)

    /// Starts the probe in a mode, in front of it another program if need be, told what to do at its failpoints.
    init(
        _ mode: String,
        _ arguments: [String] = [],
        directory: String = TemporaryDirectory.path,
        under wrapper: [String] = [],
        failPoints: String? = nil
    ) throws {
        report = "\(TemporaryDirectory.path)/report\(UInt32.random(in: .min ... .max))"
        let program = try Self.program()
        let told = failPoints.map { ["env", "MARTLET_FAILPOINTS=\($0)"] } ?? []
        let line = wrapper + told + [program, mode, directory, report] + arguments
        var child = pid_t()
        var pointers: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        pointers.append(nil)
        defer { pointers.forEach { free($0) } }
        let code = posix_spawnp(&child, line[0], nil, nil, pointers, environ)
        guard code == 0 else { throw SystemError("start \(line[0])", code: code) }
        pid = child
    }

    deinit {
        // A test that failed did not wait: its process must not outlive it.
        if !isReaped.withLock({ $0 }) { kill(pid, SIGKILL) }
    }

    /// The probe stands beside the test's own program.
    static func program() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let directory = URL(filePath: own).deletingLastPathComponent()
        return directory.appending(path: "StoreCrashProbe").path
    }

    /// The whole lines reported so far.
    var lines: [String] {
        guard let text = try? String(contentsOfFile: report, encoding: .utf8) else { return [] }
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Waits for a line that begins with `start`.
    func line(_ start: String) async throws -> String {
        try await eventually("the probe reports \(start)", within: .seconds(30)) {
            lines.contains { $0.hasPrefix(start) }
        }
        return lines.first { $0.hasPrefix(start) } ?? ""
    }

    /// Whether the process has been stopped by a signal.
    var isStopped: Bool {
        // What comes after the name in parentheses is the state; a process that is gone has none.
        let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return text?.split(separator: ")").last?.hasPrefix(" T") ?? false
    }

    func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Kills the process and waits until it is gone.
    func end() async throws {
        signal(SIGKILL)
        signal(SIGCONT)
        try await wait()
    }

    /// Waits until the process has ended by itself.
    @discardableResult
    func wait() async throws -> Int32 {
        try await BlockingPool.shared.run { [self] in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            isReaped.withLock { $0 = true }
            return status
        }
    }
}
