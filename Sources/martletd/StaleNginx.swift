import Base
import Foundation
import Glibc
import Logging

/// The nginx that a killed `martletd up` left behind; it still has the port.
///
/// Only for who knows that no other `martletd` uses the directory.
struct StaleNginx {
    /// nginx gives its workers a second before it kills them.
    private static let patience: Duration = .seconds(5)

    let directory: String

    /// Stops it, if there is one; whoever else has its process id by now is left alone.
    /// - Throws: ``Failure`` when it does not end.
    func stop() async throws {
        guard let id = recordedID, isOurs(id) else { return }
        Logger.current.notice("stopping the nginx of an earlier start", metadata: ["process": "\(id)"])
        guard kill(id, SIGTERM) == 0 || errno == ESRCH else {
            throw SystemError("stop nginx \(id) of an earlier start")
        }
        let end = Deadline.after(Self.patience)
        while isOurs(id) {
            if end.isPast { throw Failure("nginx \(id) of an earlier start does not end; stop it yourself") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    // No file, or one that holds no number, means that no nginx is known.
    private var recordedID: pid_t? {
        guard let text = try? String(contentsOfFile: "\(directory)/nginx.pid", encoding: .utf8) else { return nil }
        guard let id = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)), id > 1 else { return nil }
        return id
    }

    /// Whether the process is a master that was started with this directory; its title repeats its arguments.
    private func isOurs(_ id: pid_t) -> Bool {
        // A process that is gone has no title, and one that nobody has waited for yet an empty one.
        guard let title = try? Data(contentsOf: URL(filePath: "/proc/\(id)/cmdline")) else { return false }
        let text = String(decoding: title, as: UTF8.self)
        return text.hasPrefix("nginx: master process") && text.contains(" -c \(directory)/nginx.conf ")
    }
}
