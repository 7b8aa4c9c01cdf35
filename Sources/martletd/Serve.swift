import ArgumentParser
import Base
import Foundation
import Logging
import ServiceKit

/// `martletd serve`: runs components until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run components until SIGTERM or SIGINT.",
        discussion: """
            Components reach each other by sockets in runDir, so they may be started in any order. nginx is not started: \
            see “martletd render-nginx”.
            """
    )

    @Option(help: "The configuration file.")
    var config = "./config.yml"

    @Option(
        help: ArgumentHelp(
            "The components to run, separated by commas: all, or of \(Component.allCases.map(\.rawValue).joined(separator: ", "))."
        )
    )
    var components = ComponentList(components: Set(Component.allCases))

    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.run { _ in
            let configuration = try ConfigurationLoader.load(
                config,
                for: components.components,
                environment: ProcessInfo.processInfo.environment
            )
            try InstallationDirectory.makeDirectory(configuration.runDirectory)
            try await ServiceComposition(configuration: configuration, components: components.components).run()
        }
    }
}

/// A list of components on the command line.
struct ComponentList: ExpressibleByArgument {
    let components: Set<Component>

    init(components: Set<Component>) {
        self.components = components
    }

    init?(argument: String) {
        guard argument != "all" else {
            components = Set(Component.allCases)
            return
        }
        let named = argument.split(separator: ",").map { Component(rawValue: String($0)) }
        guard !named.isEmpty, !named.contains(nil) else { return nil }
        components = Set(named.compactMap(\.self))
    }

    var defaultValueDescription: String { "all" }
}
