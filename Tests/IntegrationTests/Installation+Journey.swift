import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing
import WorkerClients

// What a user does with an installation, and looks at, on its way into a backup and out of it.
extension Installation {
    private static let project = "/api/v1alpha/projects/user%2Fadmin%2Fhello"

    /// Runs the command line against the installation.
    /// - Returns: the exit status, and everything that was said.
    func martlet(_ arguments: String...) async throws -> (status: Int32, text: String) {
        let local = arguments.contains("verify") ? [] : ["--gateway-url", url]
        // The shell tells the exit status, which is a part of the contract.
        let program = "\(TestProcess.products)/martlet"
        let outcome = try await TestProcess.run(
            "sh",
            ["-c", "\"$@\"; echo \"exit=$?\"", "sh", program] + arguments + local,
            environment: ["MARTLET_TOKEN": token, "HOME": TemporaryDirectory.path]
        )
        let status = outcome.output.split(separator: "\n").last { $0.hasPrefix("exit=") }.flatMap {
            Int32($0.dropFirst(5))
        }
        return (status ?? -1, outcome.output + outcome.error)
    }

    /// The exports of both services, from the second line on.
    func exports(_ client: HTTPClient) async throws -> [[UInt8]] {
        let api = try api(client)
        var exports: [[UInt8]] = []
        for service in ["configstore", "runservice"] {
            let bytes = try await Self.patiently { try await api.exchange(.get, "/api/v1alpha/export/\(service)") }
            exports.append(Array(bytes.drop { $0 != UInt8(ascii: "\n") }))
        }
        return exports
    }

    /// Waits for the success of a run of `admin/hello`.
    func waitForGreen(_ number: Int, _ client: HTTPClient) async throws {
        let api = try api(client)
        try await eventually("run \(number) is green", within: .seconds(60)) {
            let runs: [PublicRun] = try await Self.patiently { try await api.get("\(Self.project)/runs") }
            guard let run = runs.first(where: { $0.number == number }), run.phase == "finished" else { return false }
            #expect(run.result == "success")
            return true
        }
    }

    /// What the second step of a run's task `greet` printed.
    func log(of run: Int, _ client: HTTPClient) async throws -> String {
        let api = try api(client)
        let details: PublicRunDetails = try await api.get("\(Self.project)/runs/\(run)")
        let id = try #require(details.tasks.values.first { $0.name == "greet" }?.id)
        let path = "\(Self.project)/runs/\(run)/tasks/\(id)/logs"
        return String(decoding: try await api.exchange(.get, path, query: [("step", "1")]), as: UTF8.self)
    }

    /// Clones `admin/hello` into a directory of that name in the test's own.
    func clone(_ name: String) async throws {
        try await TestProcess.require(
            "git",
            ["clone", "-q", "\(url)/repos/admin/hello.git", "\(TemporaryDirectory.path)/\(name)"],
            environment: gitEnvironment
        )
    }

    /// Pushes a change from a clone, which is made when it is missing.
    func push(_ text: String, from name: String) async throws {
        let tree = "\(TemporaryDirectory.path)/\(name)"
        if !FileManager.default.fileExists(atPath: tree) { try await clone(name) }
        try Data("\(text)\n".utf8).write(to: URL(filePath: "\(tree)/README.md"))
        let environment = gitEnvironment
        try await TestProcess.require("git", ["commit", "-q", "-a", "-m", text], in: tree, environment: environment)
        try await TestProcess.require("git", ["push", "-q", "origin", "main"], in: tree, environment: environment)
    }

    /// Asks again as long as a service is starting: an installation serves before all of them work.
    static func patiently<Value>(_ call: () async throws -> Value) async throws -> Value {
        let deadline = Deadline.after(.seconds(60))
        while true {
            do {
                return try await call()
            } catch  where ErrorChain(error).first(RemoteError.self)?.kind == .unavailable && !deadline.isPast {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
