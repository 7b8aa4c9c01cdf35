import Base
import FoundationEssentials
import Glibc
import Model
import HTTPTypes
import Subprocess
import TestSupport
import Testing

@testable import GitService

@Suite("a git server that is killed", .temporaryDirectory, .timeLimit(.minutes(5)))
struct CrashTests {
    /// A ref and what it was pushed to.
    private struct Push: Hashable, Sendable {
        let ref: String
        let new: String
    }

    @Test("every acknowledged push is announced, under one id, whenever the server was killed")
    func killedAtRandomMoments() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        try await CrashFixture.with { fixture in
            let acknowledged = Collected<Push>()
            try await fixture.hosted {
                try await fixture.git.makeRepository("ada", "hello", project: "p1")
                for tree in 0..<3 { try await fixture.git.makeTree("t\(tree)", content: "\(tree)\n") }
            }
            for round in 0..<14 {
                let enough = acknowledged.all.count + Int.random(in: 0...6, using: &random)
                let patience = Duration.milliseconds(Int.random(in: 0...60, using: &random))
                let killMoment: @Sendable () async throws -> Void = {
                    try await eventually("\(enough) pushes, seed \(seed)", within: .seconds(30)) {
                        acknowledged.all.count >= enough
                    }
                    try await Task.sleep(for: patience)
                }
                try await fixture.hosted(until: killMoment) {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for tree in 0..<3 {
                            group.addTask {
                                for step in 0..<3 {
                                    let sha = try await fixture.git.commit(
                                        in: "t\(tree)",
                                        content: "\(tree) \(round) \(step)\n"
                                    )
                                    let url = fixture.git.url("ada/hello")
                                    // A push to a killed server fails; whether it took effect is what the test is about.
                                    guard
                                        (try? await fixture.git.git(
                                            "push",
                                            "-q",
                                            url,
                                            "HEAD:refs/heads/b\(tree)",
                                            in: "t\(tree)"
                                        )) != nil
                                    else { continue }
                                    acknowledged.add(Push(ref: "refs/heads/b\(tree)", new: sha))
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
            try await fixture.hosted {
                let due = Set(acknowledged.all)
                let announced = { Set(fixture.git.gateway.received.map { Push(ref: $0.push.ref, new: $0.push.new) }) }
                try await eventually("\(due.count) webhooks, seed \(seed)", within: .seconds(30)) {
                    announced().isSuperset(of: due)
                }
                let refs = try JSONCoding.decode(
                    [GitRef].self,
                    from: try await fixture.git.call(.get, "/repos/ada/hello.git/refs").1
                )
                try await eventually("what the refs name, seed \(seed)") {
                    announced().isSuperset(of: refs.map { Push(ref: $0.name, new: $0.sha) })
                }
                let ids = Dictionary(
                    grouping: fixture.git.gateway.received,
                    by: { Push(ref: $0.push.ref, new: $0.push.new) }
                )
                #expect(ids.values.allSatisfy { Set($0.map(\.id)).count == 1 }, "seed \(seed)")
            }
        }
    }

    @Test("a push that was carried out, but not settled, is announced after the restart; one that was not is forgotten")
    func leftOverIntents() async throws {
        let pushed = Collected<String>()
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            let sha = try await fixture.makeTree("tree")
            pushed.add(sha)
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main:refs/meta/x", in: "tree")
            try await fixture.git("update-ref", "refs/heads/done", sha, in: "data/hosted/ada/hello.git")
        }
        try await CrashFixture.rewrite(TemporaryDirectory.path) { outbox in
            let sha = try #require(pushed.all.first)
            for (id, ref) in [("1", "refs/heads/done"), ("2", "refs/heads/undone")] {
                let change = PushIntent.Change(ref: ref, before: nil, after: sha)
                try await outbox.begin(
                    PushIntent(id: id, repository: "ada/hello", changes: [change], pusher: nil, receivedAt: Date())
                )
            }
        }
        try await GitFixture.with { fixture in
            try await eventually("the webhook") { fixture.gateway.received.count == 1 }
            #expect(fixture.gateway.received.map(\.push.ref) == ["refs/heads/done"])
            // The next push comes after the forgotten one, so nothing can follow any more.
            try await fixture.commit(in: "tree", content: "more\n")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            try await eventually("the next webhook") { fixture.gateway.received.count == 2 }
            #expect(fixture.gateway.received.last?.push.ref == "refs/heads/main")
        }
    }

    @Test("while an orphaned git still holds a repository, its pushes wait")
    func orphan() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            try await fixture.makeTree("tree")
            let orphan = open(
                "\(fixture.directory)/data/hosted/ada/hello.git/push.log",
                O_RDWR | O_CREAT | O_CLOEXEC,
                0o600
            )
            #expect(orphan >= 0 && flock(orphan, LOCK_EX) == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree") }
                try await Task.sleep(for: .milliseconds(300))
                #expect(try fixture.gitProcesses("receive-pack") == 0)
                close(orphan)
                try await group.waitForAll()
            }
            try await eventually("the webhook") { fixture.gateway.received.count == 1 }
        }
    }

    @Test("a second server for the same directory is refused")
    func secondServer() async throws {
        try await GitFixture.with { fixture in
            let status = try await CrashFixture.runHost(fixture.directory)
            #expect(!status.isSuccess)
        }
    }
}
