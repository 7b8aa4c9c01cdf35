import Base
import FoundationEssentials
import Glibc
package import Logging

/// Writes each log event as one line, for people (`console`) or for programs (`json`).
package struct LineLogHandler: LogHandler {
    /// The shape of a line.
    package enum Format: String, Sendable, CaseIterable {
        /// Time, level, service, message and `key=value` pairs.
        case console
        /// One JSON object.
        case json
    }

    /// The level below which events are dropped.
    package var logLevel: Logger.Level
    /// Pairs added to every line.
    package var metadata: Logger.Metadata = [:]
    /// Adds pairs from elsewhere.
    package var metadataProvider: Logger.MetadataProvider?

    private let format: Format
    private let showsDetails: Bool
    private let write: @Sendable (String) -> Void

    /// Makes a handler.
    /// - Parameters:
    ///   - format: the shape of a line.
    ///   - level: the level below which events are dropped.
    ///   - showsDetails: whether errors are unfolded with one file:line for each link of their chain.
    ///   - write: takes whole lines, ended by a newline.
    package init(
        format: Format = .console,
        level: Logger.Level = .info,
        showsDetails: Bool = false,
        write: @escaping @Sendable (String) -> Void = LineLogHandler.writeToStandardError
    ) {
        self.format = format
        self.showsDetails = showsDetails
        self.write = write
        logLevel = level
    }

    /// The pairs added to every line.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the event.
    package func log(event: LogEvent) {
        var pairs = metadata
        if let provided = metadataProvider?.get() { pairs.merge(provided) { $1 } }
        if let own = event.metadata { pairs.merge(own) { $1 } }
        pairs.removeValue(forKey: "hb.request.id")
        let line = LogLine(event: event, pairs: pairs, time: Date(), showsDetails: showsDetails)
        write(format == .console ? line.console : line.json)
    }

    /// Writes a line to the process's standard error with one system call.
    @Sendable package static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
