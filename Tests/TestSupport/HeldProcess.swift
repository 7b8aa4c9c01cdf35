import Base
import Glibc

/// A process that reads commands from its standard input, and ends when that does: with the test, whatever becomes of it.
package final class HeldProcess: Sendable {
    private let control: Int32
    private let process: pid_t

    /// Starts a program in a mount namespace of its own, which it leaves nothing behind in.
    /// - Parameters:
    ///   - line: the program and its arguments; standard output comes to ``readLine()``.
    ///   - options: further options of `unshare`.
    /// - Throws: ``SystemError`` when it cannot be started.
    package init(inNamespace line: [String], options: [String] = []) throws {
        var pair: [Int32] = [0, 0]
        // A socket pair, because only that is closed on exec from its very beginning.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw SystemError("make a pipe")
        }
        defer { close(pair[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pair[0], 0)
        posix_spawn_file_actions_adddup2(&actions, pair[0], 1)
        var words = (["unshare", "-m", "--propagation", "private"] + options + line).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var process = pid_t()
        let code = posix_spawn(&process, "/usr/bin/unshare", &actions, nil, &words, environ)
        guard code == 0 else {
            close(pair[1])
            throw SystemError("start \(line.first ?? "")", code: code)
        }
        self.process = process
        control = pair[1]
    }

    deinit {
        end()
        close(control)
    }

    /// The process's id; without a namespace for processes, its root is to be found below `/proc`.
    package var id: Int32 { process }

    /// Gives a command.
    package func tell(_ command: String) throws {
        guard UnixSocket.send("\(command)\n".utf8, to: control) else { throw SystemError("tell a held process") }
    }

    /// Blocks until a line comes; nil when the process has ended.
    package func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(control, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    /// Ends the process's input and waits until it has ended.
    package func end() {
        shutdown(control, Int32(SHUT_RDWR))
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }
}
