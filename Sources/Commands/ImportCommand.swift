import ArgumentParser
import Base
import GatewayClient
import Glibc
import HTTPTransport

/// The command `martlet import`.
struct ImportCommand: GatewayCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Replaces the records of a service by those of an export; for admins.",
        discussion: """
            The service must be in maintenance: see “martlet maintenance enable --wait”. Everything is checked before anything is \
            replaced, and then all is replaced in one step. Runs that have not ended are gone afterwards.

            \(Outcome.explanation)
            """
    )

    @OptionGroup var options: GatewayOptions
    @OptionGroup var service: ServiceOptions

    @Option(name: .customLong("in"), help: "The file of the export; - for standard input.")
    var input: String

    @Flag(help: "Only check the file.")
    var dryRun = false

    @Flag(help: "Do not wait for processes that have not gone into maintenance; they cannot write afterwards.")
    var force = false

    @Flag(help: "Leave records of unknown types out.")
    var skipUnknown = false

    func perform() async throws {
        let service = try service.service
        var how = Gateway.ImportOptions()
        (how.isDryRun, how.isForced, how.skipsUnknownTypes) = (dryRun, force, skipUnknown)
        let gateway = try options.gateway()
        let source = try InputFile(input == "-" ? nil : Terminal.current.path(input))
        let progress = TransferProgress(dryRun ? "check" : "import", of: source.size)
        defer { progress.end() }
        let report = try await gateway.importStream(
            .stream(length: source.size, source.pieces { progress.add($0) }),
            into: service,
            how
        )
        progress.end()
        tell(report, service)
    }

    private func tell(_ report: Gateway.ImportReport, _ service: Gateway.Service) {
        let terminal = Terminal.current
        for warning in report.warnings { terminal.tell("warning: \(warning)") }
        for (type, count) in report.records.sorted(by: { $0.key < $1.key }) { terminal.tell("\(type): \(count)") }
        terminal.tell(
            report.isDryRun
                ? "nothing was changed: the file is good for \(service.rawValue)"
                : "\(service.rawValue) holds the imported records; end it by “martlet maintenance disable”"
        )
    }
}
