import Base
import Model

/// How the executor isolates tasks: makes a place for each and knows how a command is executed there.
///
/// A place is made once a task, holds its files between the steps, and leaves nothing behind when it is removed. One
/// step runs in a place at a time. When the executor dies, every process of every place dies with it.
protocol Driver: Sendable {
    /// Checks that tasks can be isolated here at all, and removes what an earlier executor process left.
    /// - Throws: ``Failure`` saying what the administrator must do.
    func prepare() async throws

    /// Keeps places ready until cancelled.
    func run() async throws

    /// Removes what is shared by all places; called last, when no task has one.
    func close() async

    /// Gives a task its place, at once if one is ready.
    /// - Throws: ``SetupError`` when the task asks for what the driver cannot give.
    func makePlace(for data: ExecutorTaskSpecData) async throws -> any Place
}

/// Where the steps of one task run.
protocol Place: Sendable {
    /// Sentences for the setup log.
    var notes: [String] { get }

    /// The variables that the place itself gives to every step.
    var environment: [String: String] { get }

    /// How to execute a step's command; writes the command's file, and so blocks briefly.
    /// - Throws: ``SystemError`` or ``SetupError``.
    func plan(for command: StepCommand) throws -> LaunchPlan

    /// A sentence on why a step that failed did, where the place knows better than its exit status.
    func diagnosis() -> String?

    /// Ends everything in the place and removes it; never gives up before the processes are gone.
    func remove() async
}

/// A task asks for something that the driver cannot give; the text is for the task's author.
struct SetupError: Error, CustomStringConvertible {
    /// What is wrong and what to do.
    let description: String

    /// Makes the error.
    init(_ description: String) {
        self.description = description
    }
}
