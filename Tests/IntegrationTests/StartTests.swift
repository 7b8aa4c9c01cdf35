import Base
import FoundationEssentials
import TestSupport
import Testing

@Suite("Starting and stopping an installation", .temporaryDirectory, .timeLimit(.minutes(5)))
struct StartTests {
    private func arguments(data: String, port: UInt16) -> [String] {
        let project = TestNginx.projectDirectory
        return [
            "up", "--data", data, "--port", "\(port)", "--nginx-dir", "\(project)/nginx", "--public-dir",
            "\(project)/public",
        ]
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: path), encoding: .utf8)
    }

    @Test("a start, a green run and a stop log neither warnings nor errors")
    func quiet() async throws {
        let log = "\(TemporaryDirectory.path)/log"
        let start = arguments(data: "\(TemporaryDirectory.path)/data", port: try TestProcess.freePort())
        let outcome = try await TestProcess.with("martletd", start, log: log) { _ in
            try await eventually("the first run has ended", within: .seconds(60)) {
                try text(log).split(separator: "\n").count { $0.contains("task ended") } == 3
            }
        }
        #expect(outcome.isSuccess)
        let lines = try text(log).split(separator: "\n")
        #expect(lines.contains { $0.contains("configstore service stopped") })
        #expect(lines.filter { $0.contains(" warning ") || $0.contains(" error ") } == [])
    }

    @Test("what cannot work is refused before anything changes, with what to do about it")
    func refusals() async throws {
        let directory = TemporaryDirectory.path
        let port = try TestProcess.freePort()
        let (data, log) = ("\(directory)/data", "\(directory)/log")
        let outcome = try await TestProcess.with("martletd", arguments(data: data, port: port), log: log) { _ in
            try await eventually("the installation is ready", within: .seconds(60)) {
                try text(log).contains("Martlet serves")
            }
            let before = try text("\(data)/config.yml")
            let long = "\(directory)/\(String(repeating: "a", count: 90))"
            let other = try TestProcess.freePort()
            for (wrong, advice) in [
                (arguments(data: "\(directory)/other", port: port), "another program listens there"),
                (arguments(data: data, port: other), "another martletd uses the data directory"),
                (arguments(data: "\(directory)/x/.././data/", port: other), "another martletd uses the data directory"),
                (arguments(data: long, port: other), "choose a directory with a shorter path"),
                (arguments(data: "/proc/none", port: other), "make directory /proc/none"),
                (arguments(data: data, port: 0), "from 1 to 65535"),
            ] {
                let refused = try await TestProcess.run("martletd", wrong)
                #expect(!refused.isSuccess)
                #expect((refused.output + refused.error).contains(advice), "\(refused)")
            }
            #expect(try text("\(data)/config.yml") == before)
            #expect(Set(try FileManager.default.contentsOfDirectory(atPath: directory)) == ["data", "log", "other"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/other") == ["lock"])
        }
        #expect(outcome.isSuccess)
    }
}
