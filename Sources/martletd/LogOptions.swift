import ArgumentParser
import Base
import Foundation
import Logging
import ServiceKit

/// How the process logs; the same for every command.
struct LogOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Log decisions and requests, too.")
    var debug = false

    @Flag(help: "Unfold errors: one line with its source position for each link of the chain.")
    var detailedErrors = false

    @Option(help: "The shape of log lines: console or json.")
    var logFormat: LineLogHandler.Format = .console

    func bootstrap() {
        let level: Logger.Level = debug ? .debug : .info
        let (format, showsDetails) = (logFormat, detailedErrors)
        LoggingSystem.bootstrap { _ in LineLogHandler(format: format, level: level, showsDetails: showsDetails) }
    }

    /// Runs a command, logging what it throws as it should be read.
    func run(_ body: (Logger) async throws -> Void) async throws {
        bootstrap()
        do {
            try await withLogger(Logger(label: "martletd")) { logger in try await body(logger) }
        } catch {
            if ErrorChain(error).isCancellation { return }
            let message = ErrorChain(error).message
            if logFormat == .console, message.contains("\n") {
                // Several problems at once, such as a configuration's: a person reads them as lines, not as one escaped text.
                FileHandle.standardError.write(Data("\(message)\n".utf8))
            } else {
                Logger(label: "martletd").error("martletd ended", error: error)
            }
            throw ExitCode.failure
        }
    }
}

extension LineLogHandler.Format: ExpressibleByArgument {}
