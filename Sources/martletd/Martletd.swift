import ArgumentParser
import ServiceKit

@main
struct Martletd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martletd",
        abstract: "Martlet's services: a self-hosted CI/CD server.",
        discussion: """
            One program holds all services; an installation runs them in one process or in one process each.

            The configuration file is YAML; see docs/configuration.md. Every problem in it is reported with file, line \
            and what is expected.
            """,
        version: MartletVersion.current,
        subcommands: [Serve.self, Up.self, RenderNginx.self]
    )
}
