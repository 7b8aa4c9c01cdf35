import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct CommitContractTests {
    @Test("a batch of every kind of change is readable at once", arguments: AuthorityKind.allCases)
    func everyKindOfChange(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let committed = try await store.commit(
            .of {
                $0.put(record: "a", type: "project", Data("one"))
                $0.put(live: "runs/1", Data("two"))
                $0.touch(group: "name/x")
                $0.append(event: Data("e1"), to: "runs")
                $0.append(event: Data("other"), to: "tasks")
                $0.append(event: Data("e2"), to: "runs")
            }
        )
        #expect(committed.events == ["runs": 1...2, "tasks": 1...1])
        let revision = committed.revision
        try await store.store.waitApplied(revision, timeout: .seconds(5))
        try await store.read { tx throws in
            #expect(try tx.record(type: "project", id: "a") == Stored(data: Data("one"), revision: revision))
            #expect(try tx.record(type: "other", id: "a") == nil)
            #expect(try tx.live("runs/1") == Stored(data: Data("two"), revision: revision))
            #expect(try tx.lastEvent(of: "runs") == 2)
            #expect(try tx.events(of: "runs", after: 1).map(\.data.text) == ["e2"])
            #expect(
                try tx.token(groups: ["name/x", "y"])
                    == UpdateToken(asOf: revision, revisions: ["name/x": revision, "y": nil])
            )
            #expect(try tx.revision == revision)
        }
    }

    @Test("a refused batch leaves no trace", arguments: AuthorityKind.allCases)
    func refusedBatch(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let first = try await store.commit(.of { $0.put(live: "a", Data("1")) })
        let refused = await kind {
            _ = try await store.commit(
                .of {
                    $0.put(record: "x", type: "t", Data("x"))
                    $0.delete(live: "a")
                    $0.touch(group: "g")
                    $0.append(event: Data("e"), to: "s")
                    $0.expect(.live(key: "a", .absent))
                }
            )
        }
        #expect(refused == .conflict)
        #expect(try await store.authority.currentRevision() == first.revision)
        try await store.read { tx throws in
            #expect(try tx.record(type: "t", id: "x") == nil)
            #expect(try tx.live("a")?.data.text == "1")
            #expect(try tx.lastEvent(of: "s") == 0)
            #expect(try tx.token(groups: ["g"]).revisions == ["g": nil])
        }
    }

    @Test("every expectation holds or refuses, and the error names it", arguments: AuthorityKind.allCases)
    func expectations(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let base = try await store.commit(
            .of {
                $0.put(live: "k", Data("1"))
                $0.put(record: "r", type: "t", Data("1"))
                $0.touch(group: "g")
            }
        ).revision
        let later = try await store.commit(.of { $0.touch(group: "later") }).revision
        let cases: [(Store.Expectation, Bool)] = [
            (.live(key: "k", .present), true), (.live(key: "k", .absent), false),
            (.live(key: "k", .revision(base)), true),
            (.live(key: "k", .revision(later)), false), (.live(key: "none", .absent), true),
            (.live(key: "none", .present), false),
            (.live(key: "none", .revision(base)), false),
            (.record(type: "t", id: "r", .present), true), (.record(type: "t", id: "r", .absent), false),
            (.record(type: "t", id: "r", .revision(base)), true),
            (.record(type: "t", id: "r", .revision(later)), false),
            (.record(type: "u", id: "r", .absent), true), (.record(type: "u", id: "r", .revision(base)), false),
            (.group("g", seen: base, asOf: later), true), (.group("g", seen: nil, asOf: 0), false),
            (.group("none", seen: nil, asOf: later), true), (.group("later", seen: base, asOf: base), false),
            (.group("g", seen: base, asOf: later + 1_000), false),
            (.fence(LockHandle(name: "no", fence: base, owner: "me")), false),
            (.maintenance(.absent), true), (.maintenance(.ignored), true), (.maintenance(.present), false),
        ]
        for (expectation, holds) in cases {
            do {
                _ = try await store.commit(.of { $0.expect(expectation) })
                #expect(holds, "\(expectation) should have been refused")
            } catch let error as StoreError {
                #expect(
                    !holds && error.kind == .conflict && error.expectation == expectation,
                    "\(expectation): \(error)"
                )
            }
        }
        #expect(try await store.authority.currentRevision() == later, "expectations alone change nothing")
    }

    @Test("later changes of one key win within a batch", arguments: AuthorityKind.allCases)
    func orderWithinBatch(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        _ = try await store.commit(
            .of {
                $0.put(live: "a/1", Data("x"))
                $0.put(live: "a/2", Data("x"))
                $0.delete(livePrefix: "a/")
                $0.put(live: "a/2", Data("y"))
                $0.put(record: "r", type: "t", Data("x"))
                $0.delete(record: "r", type: "t")
            }
        )
        try await store.read { tx throws in
            #expect(try tx.live(prefix: "a/").map(\.key) == ["a/2"])
            #expect(try tx.live("a/2")?.data.text == "y")
            #expect(try tx.record(type: "t", id: "r") == nil)
        }
    }

    @Test("maintenance refuses normal batches and tells HTTP callers so", arguments: AuthorityKind.allCases)
    func maintenance(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        _ = try await store.commit(
            .of {
                $0.expect(.maintenance(.ignored))
                $0.put(live: StoreKeys.maintenance, Data("{}"))
            }
        )
        do {
            _ = try await store.commit(.of { $0.put(live: "a", Data()) })
            Issue.record("a batch was accepted in maintenance")
        } catch {
            #expect(StoreError.kind(of: error) == .maintenance)
            #expect(ErrorChain(error).first(APIError.self)?.kind == .unavailable)
        }
        _ = try await store.commit(
            .of {
                $0.expect(.maintenance(.present))
                $0.delete(live: StoreKeys.maintenance)
            }
        )
        _ = try await store.commit(.of { $0.put(live: "a", Data()) })
    }

    @Test("a batch with an id takes effect once", arguments: AuthorityKind.allCases)
    func idempotence(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        var batch = Batch()
        batch.id = "delivery-1"
        batch.append(event: Data("e"), to: "s")
        batch.append(event: Data("e"), to: "s")
        batch.expect(.live(key: "a", .absent))
        batch.put(live: "a", Data())
        let first = try await store.commit(batch)
        #expect(try await store.commit(batch) == first)
        #expect(try await store.authority.currentRevision() == first.revision)
        batch.id = "delivery-2"
        let refused = batch
        #expect(await kind { _ = try await store.commit(refused) } == .conflict)
    }

    @Test("oversized and malformed batches are refused", arguments: AuthorityKind.allCases)
    func badInput(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let long = String(repeating: "n", count: 1025)
        let tooLarge: [Batch] = [
            .of { $0.put(record: "a", type: "t", Data(count: StoreLimits.record + 1)) },
            .of { $0.put(live: "a", Data(count: StoreLimits.live + 1)) },
            .of { $0.append(event: Data(count: StoreLimits.event + 1), to: "s") },
            .of { batch in (0..<5).forEach { batch.put(record: "\($0)", type: "t", Data(count: 15 << 20)) } },
            .of { batch in (0...StoreLimits.changes).forEach { _ in batch.touch(group: "g") } },
            .of { $0.put(live: long, Data()) }, .of { $0.delete(livePrefix: long) },
            .of { $0.delete(record: long, type: "t") },
            .of { $0.touch(group: String(repeating: "g", count: 257)) },
        ]
        for batch in tooLarge { #expect(await kind { _ = try await store.commit(batch) } == .tooLarge) }
        let invalid: [Batch] = [
            .of { $0.put(record: "", type: "t", Data()) }, .of { $0.put(record: "a", type: "", Data()) },
            .of { $0.put(live: "", Data()) }, .of { $0.put(live: "a\0b", Data()) },
            .of { $0.put(live: "a\nb", Data()) },
            .of { $0.delete(live: "") }, .of { $0.delete(livePrefix: "") },
            .of { $0.delete(record: "\u{7f}", type: "t") },
            .of { $0.touch(group: "") }, .of { $0.append(event: Data(), to: "") },
            .of { $0.id = "" },
        ]
        for batch in invalid { #expect(await kind { _ = try await store.commit(batch) } == .invalid) }
        #expect(try await store.authority.currentRevision() == 0)
        let largest = try await store.commit(.of { $0.put(record: "a", type: "t", Data(count: StoreLimits.record)) })
        #expect(largest.revision == 1)
    }

    @Test("unrelated commits of many writers all succeed", arguments: AuthorityKind.allCases)
    func manyWriters(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        try await withThrowingTaskGroup { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<40 {
                        _ = try await store.commit(.of { $0.put(record: "\(writer)-\(number)", type: "t", Data("x")) })
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.read { try $0.records(type: "t", limit: 1_000).count } == 320)
        #expect(try await store.authority.currentRevision() == 320)
    }

    @Test("of two writers of a change group one wins each round", arguments: AuthorityKind.allCases)
    func groupRace(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        for round in 0..<200 {
            let token = try await store.read { try $0.token(groups: ["name/x"]) }
            async let left = kind {
                _ = try await store.commit(
                    .of {
                        $0.expect(token)
                        $0.touch(group: "name/x")
                    }
                )
            }
            async let right = kind {
                _ = try await store.commit(
                    .of {
                        $0.expect(token)
                        $0.touch(group: "name/x")
                    }
                )
            }
            let results = await [left, right]
            #expect(
                results.count { $0 == nil } == 1 && results.count { $0 == .conflict } == 1,
                "round \(round): \(results)"
            )
        }
    }

    @Test("a token is refused once the groups it saw may be forgotten", arguments: AuthorityKind.allCases)
    func oldToken(_ authority: AuthorityKind) async throws {
        var options = StoreOptions()
        options.groupRevisionsKept = 10
        let store = try await authority.open(options: options)
        let old = try await store.read { try $0.token(groups: ["g", "untouched"]) }
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<600 { _ = try await store.commit(.of { $0.touch(group: "other") }) } }
            }
            try await group.waitForAll()
        }
        #expect(await kind { _ = try await store.commit(.of { $0.expect(old) }) } == .conflict)
        let fresh = try await store.read { try $0.token(groups: ["g", "untouched"]) }
        _ = try await store.commit(.of { $0.expect(fresh) })
    }

    @Test("update repeats on conflict and gives up with a code for the caller", arguments: AuthorityKind.allCases)
    func update(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<25 {
                        _ = try await store.update(maxAttempts: 1_000) { tx in
                            let stored = try tx.live("n")
                            let number = Int(stored?.data.text ?? "0") ?? 0
                            return .of {
                                $0.expect(.live(key: "n", stored.map { .revision($0.revision) } ?? .absent))
                                $0.put(live: "n", Data("\(number + 1)"))
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.read { try $0.live("n")?.data.text } == "100")
        do {
            _ = try await store.update(maxAttempts: 3) { _ in .of { $0.expect(.live(key: "n", .absent)) } }
            Issue.record("a hopeless update succeeded")
        } catch let error as APIError {
            #expect(error.kind == .badRequest && error.code == "concurrent-update")
        }
    }

    @Test("a commit of a cancelled task is withdrawn or takes effect, never half", arguments: AuthorityKind.allCases)
    func cancellation(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        var outcomes: [Int: Bool] = [:]
        for round in 0..<100 {
            let task = Task {
                try await store.commit(
                    .of {
                        $0.put(record: "\(round)", type: "t", Data())
                        $0.put(live: "\(round)", Data())
                    }
                )
            }
            if round % 3 > 0 { await Task.yield() }
            task.cancel()
            do {
                _ = try await task.value
                outcomes[round] = true
            } catch is CancellationError {
                outcomes[round] = false
            }
        }
        let expected = outcomes.filter(\.value).map { "\($0.key)" }.sorted()
        #expect(try await store.read { try $0.records(type: "t").map(\.id) } == expected)
        #expect(try await store.read { try $0.live(prefix: "").map(\.key) } == expected)
    }
}
