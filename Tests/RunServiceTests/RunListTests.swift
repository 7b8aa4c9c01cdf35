import Base
import FoundationEssentials
import HTTPTransport
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("Runs are listed and followed", .temporaryDirectory, .timeLimit(.minutes(5)))
struct RunListTests {
    @Test("newest first, page by page, by phase, result and subgroup")
    func pages() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            for index in 0..<6 {
                _ = try await service.create("a", group: "/project/p/branch/\(index % 2 == 0 ? "even" : "odd")")
            }
            _ = try await service.create("a", group: "/project/other/branch/even")
            let page = try await service.client.runs(RunQuery(group: "/project/p", limit: 4))
            #expect(page.runs.map(\.number) == [6, 5, 4, 3])
            #expect(page.hasMore)
            let rest = try await service.client.runs(RunQuery(group: "/project/p", start: 3, limit: 4))
            #expect(rest.runs.map(\.number) == [2, 1])
            #expect(!rest.hasMore)
            let odd = try await service.client.runs(RunQuery(group: "/project/p/branch/odd", ascending: true))
            #expect(odd.runs.map(\.number) == [2, 4, 6])
            let task = try await executor.work(holding: 3)[0]
            try await executor.report(task, .failed, logBytes: 0)
            let failed = try await service.client.runs(RunQuery(group: "/project/p", results: ["failed"]))
            let ended = try await service.client.runs(RunQuery(group: "/project/p", phases: ["finished", "nonsense"]))
            #expect(failed.runs == ended.runs)
            #expect(try await service.client.runs(RunQuery(group: "/project/p", limit: 0)).runs.count == 6)
        }
    }

    @Test("by events that are numbered and can be resumed")
    func events() async throws {
        try await RunServiceFixture.with { service in
            var reader = EventReader(try await service.client.events(of: "/project/p", after: 0))
            let run = try await service.create("a")
            _ = try await service.create("a", group: "/project/other/branch/main")
            let executor = try await PlayedExecutor("e", service)
            let task = try await executor.work(holding: 1 + 1).first { $0.spec.run == run.id }
            try await executor.report(try #require(task), .success, logBytes: 0)
            var seen: [RunEvent] = []
            while !seen.contains(where: { $0.kind == .run && $0.phase == .finished }) {
                seen.append(try await reader.next())
            }
            #expect(seen.allSatisfy { $0.run == run.id })
            #expect(seen.map(\.sequence) == seen.map(\.sequence).sorted())
            #expect(seen.filter { $0.kind == .run }.map(\.phase) == [.queued, .running, .finished])
            var resumed = EventReader(try await service.client.events(of: "/project/p", after: seen[1].sequence))
            #expect(try await resumed.next() == seen[2])
        }
    }
}

/// Reads server-sent events that carry run events.
private struct EventReader {
    private var body: HTTPReplyBody.AsyncIterator
    private var text = ""

    init(_ reply: HTTPReply) {
        body = reply.body.makeAsyncIterator()
    }

    mutating func next() async throws -> RunEvent {
        while true {
            if let end = text.firstRange(of: "\n\n") {
                let event = text[..<end.lowerBound]
                text = String(text[end.upperBound...])
                if let data = event.split(separator: "\n").first(where: { $0.hasPrefix("data: ") }) {
                    return try JSONCoding.decode(RunEvent.self, from: data.dropFirst(6).utf8)
                }
                continue
            }
            guard let bytes = try await body.next() else { throw Failure("the events ended") }
            text += String(decoding: bytes, as: UTF8.self)
        }
    }
}
