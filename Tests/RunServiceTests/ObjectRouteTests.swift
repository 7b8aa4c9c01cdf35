import Base
import FoundationEssentials
import HTTPTransport
import Model
import ObjectStorage
import RunService
import ServiceKit
import TestSupport
import Testing
import WorkerClients

@Suite("What a task keeps in the object storage", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ObjectRouteTests {
    @Test("a workspace archive is stored piece by piece, read by later tasks of the run, and by no other run")
    func archives() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a -> b")
            let first = try await executor.work(holding: 1)[0]
            let storage = service.storage(of: first, executor)
            let pieces = (0..<40).map { Array(repeating: UInt8($0), count: 100_000) }
            try await storage.saveArchive(ofStep: 0, .stream(length: nil, Pieces(pieces)))
            try await storage.saveArchive(ofStep: 0, .stream(length: 4_000_000, Pieces(pieces)))
            let unknown = await refusal { try await storage.saveArchive(ofStep: 3, .bytes([])) }
            #expect(unknown?.kind == .badRequest)
            try await executor.report(first, .success, logBytes: 0)
            let second = try await executor.work(holding: 1)[0]
            let later = service.storage(of: second, executor)
            let bytes = try await later.archive(ofStep: 0, of: first.spec.id).body.reduce(into: []) { $0 += $1 }
            #expect(bytes == Array(pieces.joined()))
            let names = try await service.objectNames("workspacearchives/")
            #expect(
                names == [
                    "workspacearchives/\(first.spec.id)/data/0.tar",
                    "workspacearchives/\(first.spec.id)/runs/\(run.id)",
                ]
            )
            let missing = await refusal { try await later.archive(ofStep: 0, of: second.spec.id) }
            #expect(missing?.code == "archiveDoesNotExist")
            let other = try await service.create("a", group: "/project/p/branch/other")
            let foreign = try #require(try await executor.work(holding: 2).first { $0.spec.run == other.id })
            let denied = await refusal {
                try await service.storage(of: foreign, executor).archive(ofStep: 0, of: first.spec.id)
            }
            #expect(denied?.code == "archiveDoesNotExist")
        }
    }

    @Test("an upload of another attempt, executor or ended task is refused, also when that happens while it arrives")
    func fenced() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            for length in [nil, 3] {
                _ = try await service.create("a")
                let task = try await executor.work(holding: 1)[0]
                var older = task
                older.spec.attempt = 0
                let past = await refusal {
                    try await service.storage(of: older, executor).saveArchive(ofStep: 0, .bytes([1]))
                }
                #expect(past?.code == "attemptSuperseded")
                let body = Pieces([[1], [2], [3]]) { index in
                    if index == 2 { try await executor.report(task, .success, logBytes: 0) }
                }
                let ended = await refusal {
                    try await service.storage(of: task, executor).saveCache("k", .stream(length: length, body))
                }
                #expect(ended?.code == "executorTaskDoesNotExist")
            }
            #expect(try await service.objectNames("caches/") == [])
        }
    }

    @Test("a broken upload leaves nothing")
    func broken() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            _ = try await service.create("a")
            let task = try await executor.work(holding: 1)[0]
            let storage = service.storage(of: task, executor)
            for length in [nil, 1_000] {
                let body = Pieces([[1], [2], [3]]) { if $0 == 2 { throw Failure("the executor dies") } }
                await #expect(throws: (any Error).self) {
                    _ = try await storage.saveCache("k", .stream(length: length, body))
                }
            }
            #expect(try await storage.hasCache("k") == false)
            #expect(try await storage.saveCache("k", .bytes([1])))
        }
    }

    @Test("more than the limit is refused, announced or not, and leaves nothing")
    func tooLarge() async throws {
        try await RunServiceFixture.with {
            $0.maximumArchiveBytes = 1_000
        } _: { service in
            let executor = try await PlayedExecutor("e", service)
            _ = try await service.create("a")
            let storage = service.storage(of: try await executor.work(holding: 1)[0], executor)
            let pieces = Array(repeating: [UInt8](repeating: 7, count: 100), count: 11)
            for length in [nil, 1_100] {
                let archive = await refusal {
                    try await storage.saveArchive(ofStep: 0, .stream(length: length, Pieces(pieces)))
                }
                #expect(archive?.code == "bodyTooLarge")
                let cache = await refusal { try await storage.saveCache("k", .stream(length: length, Pieces(pieces))) }
                #expect(cache?.code == "bodyTooLarge")
            }
            #expect(try await service.objectNames().filter { $0.hasSuffix(".tar") } == [])
            #expect(try await storage.saveCache("k", .stream(length: nil, Pieces(Array(pieces.dropLast())))))
        }
    }

    @Test("the first cache under a key stays; the newest is found by the beginning of its key, within its project")
    func caches() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            _ = try await service.create("a", group: "/project/p/branch/main")
            _ = try await service.create("a", group: "/project/q/branch/main")
            let tasks = try await executor.work(holding: 2)
            let mine = service.storage(of: tasks[0], executor)
            let others = service.storage(of: tasks[1], executor)
            #expect(try await mine.cache("deps", isPrefix: true) == nil)
            #expect(try await mine.saveCache("deps-1 ü/x", .bytes(Array("one".utf8))))
            // More than what fits into any buffer on the way: the refusal comes before the body.
            let big = HTTPBody.bytes(Array(repeating: 7, count: 20 << 20))
            #expect(try await mine.saveCache("deps-1 ü/x", big) == false)
            #expect(try await mine.hasCache("deps-1 ü/x"))
            #expect(try await mine.hasCache("deps-1") == false)
            #expect(try await mine.saveCache("deps-0", .bytes(Array("two".utf8))))
            #expect(try await mine.saveCache("de", .bytes(Array("three".utf8))))
            #expect(try await Self.text(mine.cache("deps", isPrefix: true)) == "two")
            #expect(try await Self.text(mine.cache("deps-1", isPrefix: true)) == "one")
            #expect(try await Self.text(mine.cache("de", isPrefix: false)) == "three")
            #expect(try await mine.cache("dep", isPrefix: false) == nil)
            #expect(try await mine.cache("deps-0.t", isPrefix: true) == nil)
            #expect(try await others.cache("de", isPrefix: true) == nil)
            for key in [String(repeating: "x", count: 199), String(repeating: "ü", count: 40)] {
                let long = await refusal { try await mine.saveCache(key, .bytes([])) }
                #expect(long?.code == "invalidCacheKey")
            }
            #expect(try await mine.saveCache(String(repeating: "x", count: 198), .bytes([])))
        }
    }

    @Test("of two caches of one key that arrive at once, one is stored")
    func simultaneous() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            _ = try await service.create("a")
            let storage = service.storage(of: try await executor.work(holding: 1)[0], executor)
            let stored = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<8 {
                    group.addTask { try await storage.saveCache("k", .bytes([UInt8(index)])) }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(stored == 1)
        }
    }

    private static func text(_ reply: HTTPReply?) async throws -> String? {
        guard let reply else { return nil }
        return String(decoding: try await reply.collect(), as: UTF8.self)
    }
}

/// A body in pieces, with something that happens before each.
struct Pieces: AsyncSequence, Sendable {
    let pieces: [[UInt8]]
    let before: @Sendable (Int) async throws -> Void

    init(_ pieces: [[UInt8]], before: @escaping @Sendable (Int) async throws -> Void = { _ in }) {
        self.pieces = pieces
        self.before = before
    }

    func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    struct Iterator: AsyncIteratorProtocol {
        let body: Pieces
        var index = 0

        mutating func next() async throws -> [UInt8]? {
            guard index < body.pieces.count else { return nil }
            try await body.before(index)
            defer { index += 1 }
            return body.pieces[index]
        }
    }
}

extension RunServiceFixture {
    /// What a task may keep, through the executor that holds it.
    func storage(of task: ExecutorTask, _ executor: PlayedExecutor) -> TaskStorageClient {
        TaskStorageClient(client, task: task.spec.id, attempt: task.spec.attempt, executor: executor.id)
    }

    /// The names of the objects that are there.
    func objectNames(_ prefix: String = "") async throws -> [String] {
        let objects = try await PosixStore.open(path: "\(TemporaryDirectory.path)/objects")
        return try await objects.list(prefix: prefix, after: nil).reduce(into: []) { $0.append($1.name) }
    }
}
