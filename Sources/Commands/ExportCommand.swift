import ArgumentParser
import Base
import GatewayClient
import HTTPTransport

/// The command `martlet export`.
struct ExportCommand: GatewayCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Saves the records of a service; for admins.",
        discussion: """
            The service may work meanwhile: the export shows one moment. Logs, archives and caches are not in it, nor are runs that \
            have not ended. It holds secrets: keep the file as safe as the installation itself. The file appears when it is whole.

            \(Outcome.explanation)
            """
    )

    @OptionGroup var options: GatewayOptions
    @OptionGroup var service: ServiceOptions

    @Option(help: "The file to make, for nobody else to read; - for standard output.")
    var out: String

    @Flag(help: "Replace a file that is there already.")
    var forceOverwrite = false

    func perform() async throws {
        let service = try service.service
        let terminal = Terminal.current
        let gateway = try options.gateway()
        guard out != "-" else {
            try await receive(service, from: gateway) { try terminal.write($0) }
            return
        }
        let file = try SecretFile(terminal.path(out), mayReplace: forceOverwrite)
        let bytes = try await receive(service, from: gateway) { try file.write($0) }
        try file.finish()
        terminal.tell("\(out): \(TransferProgress.text(bytes)) of \(service.rawValue). It holds secrets: keep it safe.")
    }

    /// - Returns: how many bytes came.
    @discardableResult
    private func receive(
        _ service: Gateway.Service,
        from gateway: Gateway,
        _ take: ([UInt8]) throws -> Void
    ) async throws -> Int {
        let (length, body) = try await gateway.export(service)
        let progress = TransferProgress("export", of: length)
        defer { progress.end() }
        for try await piece in body {
            try take(piece)
            progress.add(piece.count)
        }
        // A server without a length ends the stream with a last chunk, whose absence is an error already.
        guard length == nil || length == progress.count else {
            throw CommandFailure("the export broke off after \(progress.count) bytes; try again")
        }
        return progress.count
    }
}
