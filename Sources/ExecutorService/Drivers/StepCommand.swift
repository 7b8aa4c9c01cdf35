import Model

/// A step's command with everything that decides how it runs, precedence applied.
struct StepCommand: Sendable, Equatable {
    /// The step's position in the task.
    var index: Int
    /// The text for the shell.
    var text: String
    /// The words that execute the file with the text.
    var shell: [String]
    /// The whole environment.
    var environment: [String: String]
    /// The task's directory, made before its first step; absolute.
    var taskDirectory: String
    /// The step's directory; absolute.
    var directory: String

    /// Whether the step has a terminal.
    var hasTerminal: Bool

    /// Puts a step together: step over task over container over place.
    /// - Throws: ``SetupError`` when a directory cannot be resolved or the shell is empty.
    init(index: Int, step: RunStep, task: ExecutorTaskSpecData, place: [String: String]) throws {
        self.index = index
        text = step.command + "\n"
        hasTerminal = step.tty
        shell = (step.shell ?? task.shell).split(separator: " ").map(String.init)
        guard !shell.isEmpty else { throw SetupError("the step's shell is empty") }
        environment =
            place
            .merging(task.runtime.containers.first?.environment ?? [:]) { $1 }
            .merging(task.environment) { $1 }
            .merging(step.environment) { $1 }
        if step.tty, environment["TERM"] == nil { environment["TERM"] = "xterm-256color" }
        // A terminal invites git and others to start a pager, which would wait for a key that nobody presses.
        if step.tty, environment["PAGER"] == nil { environment["PAGER"] = "cat" }
        for (name, value) in environment {
            guard !name.isEmpty, !name.contains("="), !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw SetupError("the environment variable \"\(name)\" has a name or value that no process can have")
            }
        }
        let home = environment["HOME"] ?? "/"
        let base = try Self.resolve(task.workingDirectory, home: home, base: home)
        taskDirectory = base
        directory = try step.workingDirectory.map { try Self.resolve($0, home: home, base: base) } ?? base
    }

    /// A command of the executor's own, to try a place out.
    init(selfTest text: String, environment: [String: String]) {
        index = 0
        self.text = text
        shell = ["/bin/sh"]
        self.environment = environment
        taskDirectory = "/"
        directory = "/"
        hasTerminal = false
    }

    /// An absolute path: `~` is the home directory, anything relative lies below `base`.
    static func resolve(_ path: String, home: String, base: String) throws -> String {
        guard !path.utf8.contains(0) else { throw SetupError("a working directory holds a zero byte") }
        if path.isEmpty { return base }
        if path == "~" { return home }
        if path.hasPrefix("~/") { return home + path.dropFirst(1) }
        if path.hasPrefix("~") { throw SetupError("the working directory \(path): only ~ and ~/… are expanded") }
        return path.hasPrefix("/") ? path : base + "/" + path
    }
}
