import ArgumentParser

@main
struct Martletd: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "martletd",
        abstract: "Martlet's services: a self-hosted CI/CD server.",
        discussion: """
            One program holds all services; an installation runs them in one process or in one process each.

            The configuration file is YAML; see docs/configuration.md. Every problem in it is reported with file, line \
            and what is expected.
            """,
        version: version,
        subcommands: [Serve.self, Up.self, RenderNginx.self]
    )
}
