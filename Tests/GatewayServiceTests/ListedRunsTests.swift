import Base
import FoundationEssentials
import Model
import TestSupport
import Testing

@testable import GatewayService

@Suite("Runs in lists")
struct ListedRunsTests {
    private struct Shown: Decodable, Equatable {
        let number: Int64
        let phase: String
    }

    private func text(_ number: Int64, _ phase: RunPhase = .finished, message: String = "") throws -> [UInt8] {
        var run = Run(
            id: RunID("r\(number)"),
            sequence: number,
            number: number,
            name: "test",
            group: "/project/p/branch/main",
            definition: RunDefinitionID("d"),
            enqueueTime: Date(timeIntervalSince1970: 1_700_000_000)
        )
        run.phase = phase
        run.annotations = ["message": message]
        return Array(try JSONCoding.encode(run))
    }

    private func shown(_ runs: [[UInt8]], by listed: ListedRuns) throws -> [Shown] {
        try JSONCoding.decode([Shown].self, from: listed.list(of: runs).json)
    }

    @Test("are shown as they are now, and in the order asked for, whatever was shown before")
    func changes() throws {
        let listed = ListedRuns()
        let (one, two) = (try text(1), try text(2, .running))
        for _ in 0..<2 {
            #expect(
                try shown([two, one], by: listed) == [
                    .init(number: 2, phase: "running"), .init(number: 1, phase: "finished"),
                ]
            )
            #expect(try listed.list(of: [two, one]).lastNumber == 1)
        }
        #expect(try shown([one, try text(2)], by: listed).map(\.phase) == ["finished", "finished"])
        #expect(try listed.list(of: []).json == Data("[]".utf8))
        #expect(try listed.list(of: []).lastNumber == nil)
    }

    @Test("are shown also when they do not fit into what is remembered")
    func limit() throws {
        let listed = ListedRuns(limit: 16 << 10)
        let runs = try (0..<100).map { try text($0, message: String(repeating: "m", count: Int($0) * 100)) }
        for _ in 0..<3 {
            for start in stride(from: 0, to: 100, by: 20) {
                let numbers = try shown(Array(runs[start..<start + 20]), by: listed).map(\.number)
                #expect(numbers == Array(Int64(start)..<Int64(start + 20)))
            }
        }
    }

    @Test("that are no runs are refused, and the next ones are shown")
    func refusal() throws {
        let listed = ListedRuns()
        #expect(throws: Failure.self) { try listed.list(of: [Array("{}".utf8)]) }
        #expect(try shown([try text(1)], by: listed).count == 1)
    }
}
