import Base
import FoundationEssentials
import Glibc

/// What a command touches of the world around it; tests put another one in its place.
package struct Terminal: Sendable {
    /// The terminal of the running command.
    @TaskLocal package static var current = Terminal.system

    /// The environment variables.
    package var environment: [String: String]
    /// The working directory.
    package var directory: String
    /// Writes data for whoever called: results and logs.
    package var write: @Sendable ([UInt8]) throws -> Void
    /// Writes a line for the person at the terminal.
    package var tell: @Sendable (String) -> Void
    /// Shows how far something is, in place of what it showed before; nil when nobody looks on.
    package var progress: (@Sendable (String) -> Void)?
    /// Reads a line of standard input; nil at its end.
    package var readLine: @Sendable () -> String?
    /// Asks for a line; nil when nobody can be asked.
    package var ask: @Sendable (String) -> String?
    /// Asks for a line that is not shown while it is typed; nil when nobody can be asked.
    package var askSecret: @Sendable (String) -> String?

    /// Makes a terminal of its parts.
    package init(
        environment: [String: String],
        directory: String,
        write: @escaping @Sendable ([UInt8]) throws -> Void,
        tell: @escaping @Sendable (String) -> Void,
        progress: (@Sendable (String) -> Void)? = nil,
        readLine: @escaping @Sendable () -> String?,
        ask: @escaping @Sendable (String) -> String?,
        askSecret: @escaping @Sendable (String) -> String?
    ) {
        self.environment = environment
        self.directory = directory
        self.write = write
        self.tell = tell
        self.progress = progress
        self.readLine = readLine
        self.ask = ask
        self.askSecret = askSecret
    }

    /// The process's own.
    package static var system: Terminal {
        Terminal(
            environment: ProcessInfo.processInfo.environment,
            directory: FileManager.default.currentDirectoryPath,
            write: { try writeAll($0, to: STDOUT_FILENO) },
            tell: { show("\($0)\n") },
            progress: isatty(STDERR_FILENO) == 1 ? showInPlace : nil,
            readLine: { Swift.readLine() },
            ask: { prompt in
                guard isatty(STDIN_FILENO) == 1 else { return nil }
                show(prompt)
                return Swift.readLine()
            },
            askSecret: askWithoutEcho
        )
    }

    /// A path as the person at the terminal means it.
    func path(_ text: String) -> String {
        text.hasPrefix("/") ? text : "\(directory)/\(text)"
    }

    /// Writes a line of results.
    func line(_ text: String) throws {
        try write(Array("\(text)\n".utf8))
    }

    private static func askWithoutEcho(_ prompt: String) -> String? {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            // The line end that was typed was not shown either.
            show("\n")
        }
        show(prompt)
        return Swift.readLine()
    }

    // To the line's beginning, the text, and the rest of the old text away.
    @Sendable private static func showInPlace(_ text: String) {
        show("\r\(text)\u{1B}[K")
    }

    private static func show(_ text: String) {
        // Nobody is left to be told when standard error is gone.
        try? writeAll(Array(text.utf8), to: STDERR_FILENO)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("write the output") }
            rest = rest.dropFirst(count)
        }
    }
}
