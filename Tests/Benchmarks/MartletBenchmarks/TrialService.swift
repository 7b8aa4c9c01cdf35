import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Synchronization
import WorkerClients

/// An installation that runs now, as its admin reaches it.
final class TrialService: Sendable {
    private static let project = "/api/v1alpha/projects/user%2Fadmin%2Fhello"

    /// The driver it runs with.
    let driver: TrialInstallation.Driver
    /// The installation's files.
    let directory: String
    /// Where nginx serves it.
    let url: String
    /// Where the same nginx serves the bare responder, once that runs.
    let bareURL: String
    /// The process of all services.
    let processID: Int32
    /// The process of nginx.
    let proxyID: Int32
    /// How many tasks run at once.
    let slots: Int
    /// The admin's token.
    let token: String
    private let client: HTTPClient
    private let api: ServiceConnection
    private let startUp = Mutex(Duration.zero)

    /// Prepares calls.
    init(
        driver: TrialInstallation.Driver,
        directory: String,
        url: String,
        bareURL: String,
        processID: Int32,
        proxyID: Int32,
        slots: Int
    ) throws {
        self.driver = driver
        self.directory = directory
        self.url = url
        self.bareURL = bareURL
        self.processID = processID
        self.proxyID = proxyID
        self.slots = slots
        token = try Self.secret("\(directory)/admin-token")
        client = try HTTPClient()
        api = ServiceConnection(
            client: client,
            endpoint: try .url(url),
            token: SecretValue(token),
            timeout: .seconds(60)
        )
    }

    /// How long it took from the start of the process to the first answer.
    var startTime: Duration { startUp.withLock(\.self) }

    /// Keeps how long the start took.
    func note(startUp duration: Duration) {
        startUp.withLock { $0 = duration }
    }

    /// Whether the gateway and the services behind it answer.
    func isReady() async -> Bool {
        do {
            _ = try await runs(limit: 1)
            return true
        } catch {
            return false
        }
    }

    /// The latest runs, as their numbers and phases.
    func runs(limit: Int, phases: [String] = []) async throws -> [TrialRun] {
        let query = [("limit", "\(limit)")] + phases.map { ("phase", $0) }
        return try await api.get("\(Self.project)/runs", query: query)
    }

    /// Asks for a run of a branch.
    /// - Returns: the run's number.
    func createRun(branch: String) async throws -> Int {
        let created: CreatedRuns = try await api.send(.post, "\(Self.project)/createrun", ["branch": branch])
        guard let run = created.runs.first else { throw Failure("the branch \(branch) made no run") }
        return run.number
    }

    /// A run with its tasks.
    func run(_ number: Int) async throws -> TrialRunDetails {
        try await api.get("\(Self.project)/runs/\(number)")
    }

    /// Waits until a run has ended, and requires its success.
    /// - Returns: the run.
    func finished(_ number: Int) async throws -> TrialRunDetails {
        while true {
            let run = try await run(number)
            if run.phase == "finished" {
                guard run.result == "success" else { throw Failure("run \(number) ended as \(run.result)") }
                return run
            }
            guard ["queued", "running"].contains(run.phase) else { throw Failure("run \(number) is \(run.phase)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Opens the log of the only task's first step; who `follows` stays until the step ends.
    func log(of number: Int, follows: Bool) async throws -> HTTPReplyBody {
        guard let task = try await run(number).tasks.values.first?.id else {
            throw Failure("run \(number) has no task")
        }
        let path = "\(Self.project)/runs/\(number)/tasks/\(task)/logs"
        let query = [("step", "0")] + (follows ? [("follow", "")] : [])
        return try await ServiceConnection.checked(try await api.open(.get, path, query: query)).body
    }

    /// The first number in the log of a run's step.
    func loggedNumber(_ run: Int) async throws -> Int64 {
        var text: [UInt8] = []
        for try await piece in try await log(of: run, follows: false) { text += piece }
        let digits = String(decoding: text, as: UTF8.self).prefix(while: \.isNumber)
        guard let number = Int64(digits) else { throw Failure("the log of run \(run) begins with no number") }
        return number
    }

    /// The environment in which git knows the admin's password.
    func gitEnvironment() throws -> [String: String] {
        [
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": "!f() { echo username=admin; echo \"password=$TRIAL_PASSWORD\"; }; f",
            "TRIAL_PASSWORD": try Self.secret("\(directory)/admin-password"), "GIT_AUTHOR_NAME": "Ann",
            "GIT_AUTHOR_EMAIL": "ann@example.org", "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "ann@example.org",
        ]
    }

    private static func secret(_ path: String) throws -> String {
        let text = try attempt("read \(path)") { try String(contentsOfFile: path, encoding: .utf8) }
        return text.split(separator: "\n").first.map(String.init) ?? ""
    }
}

/// A run in a list.
struct TrialRun: Decodable {
    let number: Int
    let phase: String
}

/// A run with its tasks.
struct TrialRunDetails: Decodable {
    struct Task: Decodable {
        let id: String
    }

    let phase: String
    let result: String
    let tasks: [String: Task]
}

/// The answer to a request for runs.
private struct CreatedRuns: Decodable {
    struct Entry: Decodable {
        let number: Int
    }

    let runs: [Entry]
}
