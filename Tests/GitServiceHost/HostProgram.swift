import Base
import GitService
import Logging
import ServiceKit
import ServiceLifecycle

/// A git server in a process of its own, for tests that kill it: `GitServiceHost <data directory> <socket> <gateway socket>`.
@main struct HostProgram {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else {
            throw Failure("usage: GitServiceHost <data directory> <socket> <gateway socket>")
        }
        var configuration = GitServerConfiguration()
        configuration.dataDirectory = arguments[1]
        configuration.socketPath = arguments[2]
        configuration.gateway = ServiceEndpoint(url: "unix:\(arguments[3])")
        let daemon = try await GitDaemon(configuration: configuration)
        try await ServiceGroup(
            services: [daemon],
            logger: Logger(label: "host")
        ).run()
    }
}
