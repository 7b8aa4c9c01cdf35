import ArgumentParser
import Base
import Foundation
import Logging
import ServiceKit
import ServiceLifecycle
import SystemPackage

/// `martletd up`: a whole installation in the foreground, made on first start; what `make run` calls.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run everything in the foreground, with nginx; make the installation on first start.",
        discussion: """
            The first start makes DATA with fresh keys, the user admin (password in DATA/admin-password, token in \
            DATA/admin-token), the gateway's admin token (DATA/keys/gateway-admin-token) and the project \
            user/admin/hello, and pushes its first commit. Later starts find everything again; only DATA/config.yml and \
            DATA/nginx are written anew each time.

            With --empty the first start makes neither users nor projects: for “martlet restore”.
            """
    )

    @Option(help: "The directory of everything: configuration, stores, repositories, logs.")
    var data = ".run"

    @Option(help: "The port of 127.0.0.1 on which nginx listens.")
    var port: UInt16 = 8000

    @Option(help: "The project's directory nginx/.")
    var nginxDir = "nginx"

    @Option(help: "The project's directory public/, the web UI.")
    var publicDir = "public"

    @Flag(help: "Begin with an empty installation, to restore a backup into; without effect on one that began so.")
    var empty = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard port > 0 else { throw ValidationError("The port is a number from 1 to 65535.") }
    }

    func run() async throws {
        try await log.run { _ in
            let installation = InstallationDirectory(
                data: absolute(data),
                port: port,
                publicDirectory: absolute(publicDir),
                nginxDirectory: absolute(nginxDir)
            )
            try installation.expectShortPath()
            // Before anything is written: a second start must not change the files of the first.
            let lock = try await BlockingPool.shared.run { try installation.lock() }
            defer { withExtendedLifetime(lock) {} }
            try await StaleNginx(directory: installation.nginxInstance).stop()
            try LoopbackPort.expectFree(port)
            if empty { try installation.beginEmpty() }
            try installation.prepare()
            let components = Set(Component.allCases)
            let configuration = try ConfigurationLoader.load(installation.configPath, for: components)
            try installation.prepareNginx(configuration.gateway)
            try await ServiceComposition(configuration: configuration, components: components).run(
                extra: [
                    NginxProcess(directory: installation.nginxInstance),
                    FirstStart(installation: installation, configuration: configuration),
                ]
            )
        }
    }

    private func absolute(_ path: String) -> String {
        FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized().string
    }
}
