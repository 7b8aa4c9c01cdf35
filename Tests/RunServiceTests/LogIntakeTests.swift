import Base
import FoundationEssentials
import Model
import ObjectStorage
import TestSupport
import Testing

@testable import RunService

@Suite("The intake of logs", .temporaryDirectory, .timeLimit(.minutes(5)))
struct LogIntakeTests {
    @Test("keeps the whole log, whoever reads or waits at the moment it becomes an object")
    func readersAtTheEnd() async throws {
        let (intake, objects) = try await make()
        let bytes = Array(repeating: UInt8(ascii: "x"), count: 1_000)
        for number in 0..<200 {
            let task = TaskID("task-\(number)")
            #expect(try await intake.append(bytes, at: 0, to: .step(0), of: task) == 1_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for reader in 0..<4 {
                    group.addTask {
                        for _ in 0..<8 {
                            _ =
                                reader % 2 == 0
                                ? try await intake.growingLog(.step(0), of: task)
                                : try await intake.awaitedLog(.step(0), of: task)
                        }
                    }
                }
                group.addTask { try await intake.seal(task, of: ["run"], sizes: [.step(0): 1_000]) }
                try await group.waitForAll()
            }
            // What the end of the task's assignment does, and a restart.
            try await intake.seal(task, of: ["run"], sizes: nil)
            let name = RunObjects.log(.step(0), of: task)
            #expect(try await objects.stat(name).size == 1_000)
            #expect(try await intake.growingLog(.step(0), of: task) == nil)
        }
        #expect(try await intake.tasks() == [])
    }

    @Test("does not begin a log again that is an object already, and lets more of it replace it")
    func afterTheEnd() async throws {
        let (intake, objects) = try await make()
        let task = TaskID("task")
        let name = RunObjects.log(.setup, of: task)
        _ = try await intake.append(Array("abc".utf8), at: 0, to: .setup, of: task)
        try await intake.seal(task, of: ["run"], sizes: [.setup: 3])
        #expect(try await intake.append([], at: 0, to: .setup, of: task) == 3)
        #expect(try await intake.append(Array("bc".utf8), at: 1, to: .setup, of: task) == 3)
        #expect(try await intake.tasks() == [])
        #expect(try await objects.stat(name).size == 3)
        // A sender that has more is asked for all of it.
        let gap = await #expect(throws: APIError.self) {
            try await intake.append(Array("d".utf8), at: 3, to: .setup, of: task)
        }
        #expect(gap?.details["offset"] == "0")
        try await intake.seal(task, of: ["run"], sizes: nil)
        #expect(try await objects.stat(name).size == 3)
        #expect(try await intake.append(Array("abcd".utf8), at: 0, to: .setup, of: task) == 4)
        try await intake.seal(task, of: ["run"], sizes: [.setup: 4])
        #expect(try await objects.stat(name).size == 4)
    }

    private func make() async throws -> (LogIntake, any ObjectStore) {
        let objects = try await PosixStore.open(path: "\(TemporaryDirectory.path)/objects")
        return (try LogIntake(directory: "\(TemporaryDirectory.path)/logs", objects: objects), objects)
    }
}
