import Base
import FoundationEssentials
import Synchronization
import TestSupport

@testable import Commands

/// Runs command lines in a terminal of their own.
struct CommandFixture: Sendable {
    /// What a command did.
    struct Result: Sendable {
        let status: Int32
        let output: String
        let told: String
    }

    private final class Screen: Sendable {
        let output = Mutex<[UInt8]>([])
        let told = Mutex<[String]>([])
    }

    var environment: [String: String]
    var directory: String
    var input: [String] = []

    init() {
        directory = TemporaryDirectory.path
        environment = [
            "HOME": directory, "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": "/tmp",
        ]
    }

    /// Runs a command line; lines of `input` answer its questions.
    func run(_ arguments: String...) async -> Result { await run(arguments) }

    /// Runs a command line.
    func run(_ arguments: [String]) async -> Result {
        let screen = Screen()
        let lines = Lines(input)
        let terminal = Terminal(
            environment: environment,
            directory: directory,
            write: { bytes in screen.output.withLock { $0 += bytes } },
            tell: { line in screen.told.withLock { $0.append(line) } },
            readLine: { lines.next() },
            ask: { _ in lines.next() },
            askSecret: { _ in lines.next() }
        )
        let status = await Terminal.$current.withValue(terminal) { await MartletCommand.run(arguments) }
        return Result(
            status: status,
            output: String(decoding: screen.output.withLock(\.self), as: UTF8.self),
            told: screen.told.withLock(\.self).joined(separator: "\n")
        )
    }

    private final class Lines: Sendable {
        private let rest: Mutex<[String]>

        init(_ lines: [String]) {
            rest = Mutex(lines)
        }

        func next() -> String? {
            rest.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        }
    }
}
