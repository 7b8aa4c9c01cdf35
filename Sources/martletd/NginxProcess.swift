import Base
import Logging
import ServiceKit
import ServiceLifecycle
import Subprocess

/// nginx as a child of this process, with the files of an installation.
struct NginxProcess: Service {
    let directory: String

    /// Runs nginx until graceful shutdown.
    /// - Throws: ``Failure`` when nginx cannot start or ends by itself.
    func run() async throws {
        _ = try await untilGracefulShutdown {
            let outcome = try await attempt("start nginx; install the Debian package nginx-light") {
                try await Subprocess.run(
                    .name("nginx"),
                    arguments: [
                        "-p", directory, "-e", "error.log", "-c", "\(directory)/nginx.conf", "-g", "daemon off;",
                    ],
                    environment: .inherit.updating(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]),
                    platformOptions: Self.options,
                    output: .discarded,
                    error: .string(limit: 1 << 16)
                )
            }
            try Task.checkCancellation()
            throw Failure("nginx ended (\(outcome.terminationStatus)): \(outcome.standardError)")
        }
    }

    // SIGQUIT lets nginx finish its requests. A terminal's Ctrl-C goes to a whole process group, and nginx would end before its turn.
    private static var options: PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .quit, allowedDurationToNextStep: .seconds(3)),
            .send(signal: .terminate, allowedDurationToNextStep: .seconds(1)),
        ]
        return options
    }
}
