import ArgumentParser
import Base
import GatewayClient

/// The command `martlet backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Saves the whole installation in one file; for admins.",
        discussion: """
            Users, projects, runs, logs, archives and repositories, while the installation works. Runs that have not ended and caches are \
            left out. The file holds every secret of the installation, and the key to them: keep it as safe as the installation itself. \
            It is a tar archive that appears when it is whole.

            \(BackupOutcome.explanation)
            """,
        subcommands: [Make.self, Verify.self],
        defaultSubcommand: Make.self
    )

    struct Make: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "make",
            abstract: "Saves the whole installation in one file.",
            discussion: BackupOutcome.explanation
        )

        @OptionGroup var options: GatewayOptions

        @Option(help: "The file to make, for nobody else to read.")
        var out: String

        func perform() async throws {
            let terminal = Terminal.current
            let summary = try await BackupTaking.run(from: try options.gateway(), to: terminal.path(out))
            let removed = summary.removed > 0 ? "; \(summary.removed) were removed meanwhile and are not in it" : ""
            terminal.tell(
                """
                \(out): \(TransferProgress.text(Int(summary.bytes))) with \(summary.objects) logs and archives and \
                \(summary.repositories) repositories\(removed). It holds every secret of the installation: keep it safe.
                """
            )
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Checks every byte of a backup; no server is asked.",
            discussion: BackupOutcome.explanation
        )

        @Argument(help: "The backup.")
        var file: String

        mutating func run() async throws {
            let (_, manifest) = try await BackupFile.verified(file)
            Terminal.current.tell(
                "\(file) is a whole backup of \(Timestamp.text(manifest.created)), made by Martlet \(manifest.martlet)"
            )
        }
    }
}

/// The command `martlet restore`.
struct RestoreCommand: GatewayCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup into an empty installation; for the installation's admin token.",
        discussion: """
            The backup is checked as a whole before anything is changed. Meanwhile the installation is in maintenance. A restore that \
            broke off is repeated with the same backup. Start the empty installation by “martletd up --empty”, and name the file of its \
            admin token with --token-file DATA/keys/gateway-admin-token.

            \(BackupOutcome.explanation)
            """
    )

    @OptionGroup var options: GatewayOptions

    @Argument(help: "The backup.")
    var file: String

    func perform() async throws {
        let (source, manifest) = try await BackupFile.verified(file)
        let summary = try await BackupRestoring.run(
            source,
            manifest,
            into: try options.gateway(),
            isDetailed: options.detailedErrors
        )
        Terminal.current.tell(
            """
            restored the backup of \(Timestamp.text(manifest.created)): \(summary.objects) logs and archives, \(summary.repositories) \
            repositories. Everybody signs in as before.
            """
        )
    }
}

/// A backup's file on the command line.
enum BackupFile {
    /// Opens a file and checks every byte.
    /// - Throws: ``CommandFailure`` of outcome damaged; ``SystemError``.
    static func verified(_ file: String) async throws -> (BackupSource, BackupManifest) {
        let path = Terminal.current.path(file)
        do {
            let source = try await BlockingPool.shared.run { try BackupSource.open(path) }
            let progress = TransferProgress("check", of: Int(source.size))
            defer { progress.end() }
            return (source, try await BlockingPool.shared.run { try BackupRestoring.verify(source, progress) })
        } catch let damage as BackupDamage {
            throw CommandFailure("\(file) is damaged, or no backup: \(damage.linkMessage)", .damaged)
        } catch let error as SystemError {
            throw CommandFailure(error.linkMessage)
        }
    }
}

/// How the commands of backups end.
enum BackupOutcome {
    static let explanation = """
        EXIT STATUS
          0   done
          1   the server refused, or something went wrong
          64  the command line is wrong
          65  the file is damaged, cut, or not a backup; nothing was changed
          69  the server cannot be reached
          75  a service is starting or in maintenance, or the object storage cannot be used; try again later
          77  you are not signed in, or may not do this
        """
}
