import ArgumentParser
import Base
import Foundation
import GatewayService
import ServiceKit

/// `martletd render-nginx`: writes what nginx needs to know of the installation.
struct RenderNginx: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render-nginx",
        abstract: "Write nginx's part of the configuration.",
        discussion: """
            nginx/nginx.conf and nginx/site.conf are the same everywhere and copied by hand into OUT; what differs is \
            rendered from Martlet's own configuration into OUT/martlet/. Run it again, and reload nginx, when \
            listenAddress, publicDir, runDir or allowedOrigins change.
            """
    )

    @Option(help: "The configuration file.")
    var config = "./config.yml"

    @Option(help: "The directory of nginx.conf.")
    var out: String

    @Option(help: "The account of nginx's workers, when root starts nginx: the one that runs the gateway.")
    var user: String?

    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.run { _ in
            let configuration = try ConfigurationLoader.load(
                config,
                for: [.gateway],
                environment: ProcessInfo.processInfo.environment
            )
            try NginxFiles.write(for: configuration.gateway, user: user, into: out)
        }
    }
}

/// nginx's directory.
enum NginxFiles {
    /// Renders the files that depend on the gateway's settings.
    static func write(for gateway: GatewayConfiguration, user: String?, into directory: String) throws {
        let site = try NginxSite(
            listen: gateway.listenAddress,
            publicDirectory: gateway.publicDirectory,
            apiSocket: gateway.apiSocketPath,
            streamSocket: gateway.streamSocketPath,
            allowedOrigins: gateway.allowedOrigins,
            user: user
        )
        try InstallationDirectory.makeDirectory("\(directory)/martlet")
        for (name, text) in site.files() {
            try attempt("write \(directory)/\(name)") {
                try Data(text.utf8).write(to: URL(filePath: "\(directory)/\(name)"), options: .atomic)
            }
        }
    }
}
