import Base
import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing

@Suite("nginx of an installation that was killed", .temporaryDirectory, .timeLimit(.minutes(5)))
struct NginxRestartTests {
    @Test("the next start stops what is left of it, and leaves whoever else has its process id alone")
    func killed() async throws {
        let port = try TestProcess.freePort()
        var old: pid_t = 0
        _ = try await up(port) { id in
            old = try nginxID()
            kill(id, SIGKILL)
        }
        #expect(
            title(of: old).contains("master process"),
            "nginx survives who started it; otherwise this proves nothing"
        )
        let isSuccess = try await up(port) { _ in
            #expect(title(of: old).isEmpty)
            let new = try nginxID()
            #expect(new != old)
        }
        #expect(isSuccess)
        try await withStranger { stranger in
            try Data("\(stranger)\n".utf8).write(to: URL(filePath: pidFile))
            _ = try await up(port) { _ in
                let new = try nginxID()
                #expect(new != stranger)
            }
            #expect(title(of: stranger).contains("sleep"))
        }
    }

    private var pidFile: String { "\(TemporaryDirectory.path)/run/nginx/nginx.pid" }

    /// Starts the installation, waits until it serves, and ends it after `body`.
    /// - Returns: whether it ended in order.
    private func up(_ port: UInt16, _ body: (pid_t) throws -> Void) async throws -> Bool {
        let log = "\(TemporaryDirectory.path)/martletd.log"
        if access(log, F_OK) == 0 { try FileManager.default.removeItem(atPath: log) }
        let arguments = [
            "up", "--data", "\(TemporaryDirectory.path)/run", "--port", "\(port)", "--nginx-dir",
            "\(TestNginx.projectDirectory)/nginx", "--public-dir", "\(TestNginx.projectDirectory)/public",
            "--detailed-errors",
        ]
        let outcome = try await TestProcess.with("martletd", arguments, log: log) { id in
            try await eventually("the installation is ready", within: .seconds(60)) {
                try String(contentsOfFile: log, encoding: .utf8).contains("Martlet serves")
            }
            try body(id)
        }
        Attachment.record(try String(contentsOfFile: log, encoding: .utf8), named: "martletd.log")
        return outcome.isSuccess
    }

    private func nginxID() throws -> pid_t {
        try #require(pid_t(try String(contentsOfFile: pidFile, encoding: .utf8).filter(\.isNumber)))
    }

    /// Empty when there is no such process.
    private func title(of id: pid_t) -> String {
        (try? String(contentsOfFile: "/proc/\(id)/cmdline", encoding: .utf8)) ?? ""
    }

    /// Runs `body` beside a process that has nothing to do with nginx.
    private func withStranger(_ body: (pid_t) async throws -> Void) async throws {
        _ = try await Subprocess.run(
            .name("sleep"),
            arguments: ["300"],
            input: .none,
            output: .discarded,
            error: .discarded
        ) {
            execution in
            let id = execution.processIdentifier.value
            defer { kill(id, SIGTERM) }
            try await body(id)
        }
    }
}
