import Base
import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import SystemPackage
import TestSupport
import Testing

@testable import GitService

@Suite("clients that vanish or stall", .temporaryDirectory, .timeLimit(.minutes(5)))
struct VanishedClientTests {
    @Test("a push whose client vanishes leaves no process, no lock and no change")
    func vanishedPush() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            let sha = try await fixture.makeTree("tree")
            let list =
                PacketLine.encode("\(ObjectName.zero) \(sha) refs/heads/main\0 report-status side-band-64k\n")
                + Array("0000".utf8)
            let beginning =
                fixture.requestHead("/repos/ada/hello.git/git-receive-pack", length: 1 << 20) + list
                + Array("PACK".utf8)
            for cut in [beginning.count, beginning.count - 20, 100] {
                let socket = try #require(UnixSocket.connect(fixture.socketPath))
                #expect(UnixSocket.send(beginning.prefix(cut), to: socket))
                if cut == beginning.count {
                    try await eventually("git has begun") { try fixture.gitProcesses("receive-pack") > 0 }
                }
                close(socket)
            }
            try await eventually("git has ended") { try fixture.gitProcesses("receive-pack") == 0 }
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            try await eventually("the webhook") { fixture.gateway.received.count == 1 }
        }
    }

    @Test("a clone whose client vanishes ends git")
    func vanishedClone() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "big")
            try await fixture.makeTree("tree")
            let bytes = (0..<(2 << 20)).map { _ in UInt64.random(in: .min ... .max) }.withUnsafeBytes { Data($0) }
            try bytes.write(to: URL(filePath: "\(fixture.directory)/tree/big"))
            let sha = try await fixture.commit(in: "tree", content: "x\n")
            try await fixture.git("push", "-q", fixture.url("ada/big"), "main", in: "tree")
            let wish =
                PacketLine.encode("want \(sha) side-band-64k ofs-delta\n") + Array("0000".utf8)
                + PacketLine.encode("done\n")
            let request = fixture.requestHead("/repos/ada/big.git/git-upload-pack", length: wish.count) + wish
            let socket = try #require(UnixSocket.connect(fixture.socketPath))
            #expect(UnixSocket.send(request, to: socket))
            var piece = [UInt8](repeating: 0, count: 1000)
            #expect(read(socket, &piece, piece.count) > 0)
            try await eventually("git waits for its reader") { try fixture.gitProcesses("upload-pack") > 0 }
            close(socket)
            try await eventually("git has ended") { try fixture.gitProcesses("upload-pack") == 0 }
        }
    }

    @Test("garbage in place of git's protocol harms nobody")
    func garbage() async throws {
        try await GitFixture.with { fixture in
            let seed = UInt64.random(in: .min ... .max)
            var random = SeededGenerator(seed: seed)
            try await fixture.makeRepository("ada", "hello", project: "p1")
            let sha = try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            let wish = PacketLine.encode("want \(sha) ofs-delta\n") + Array("0000".utf8) + PacketLine.encode("done\n")
            let list =
                PacketLine.encode("\(sha) \(ObjectName.zero) refs/heads/other\0 report-status\n")
                + Array("0000PACK".utf8)
            for round in 0..<40 {
                var body = round % 2 == 0 ? wish : list
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    body[Int.random(in: 0..<body.count, using: &random)] = UInt8.random(
                        in: .min ... .max,
                        using: &random
                    )
                }
                let path = "/repos/ada/hello.git/git-\(round % 2 == 0 ? "upload" : "receive")-pack"
                // Any answer will do, and none: what counts is what is left afterwards.
                _ = try? await fixture.post(path, body)
            }
            try await eventually("no git is left, seed \(seed)") { try fixture.gitProcesses("-pack") == 0 }
            let refs = try JSONCoding.decode(
                [GitRef].self,
                from: try await fixture.call(.get, "/repos/ada/hello.git/refs").1
            )
            #expect(refs == [GitRef(name: "refs/heads/main", sha: sha)], "seed \(seed)")
            try await fixture.git("clone", "-q", fixture.url("ada/hello"), "copy")
        }
    }

    @Test("links in the data directory are not followed")
    func links() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello")
            let hosted = "\(fixture.directory)/data/hosted"
            try FileManager.default.createSymbolicLink(atPath: "\(hosted)/eve", withDestinationPath: "\(hosted)/ada")
            try FileManager.default.createSymbolicLink(
                atPath: "\(hosted)/ada/link.git",
                withDestinationPath: "\(hosted)/ada/hello.git"
            )
            #expect(try await fixture.call(.get, "/repos/ada/hello.git/refs").0 == 200)
            #expect(try await fixture.call(.get, "/repos/eve/hello.git/refs").0 == 404)
            #expect(try await fixture.call(.get, "/repos/ada/link.git/refs").0 == 404)
            #expect(
                try await fixture.call(.post, "/repos", json: GitRepositoryCreation(owner: "eve", name: "new")).0 == 500
            )
            #expect(!FileManager.default.fileExists(atPath: "\(hosted)/ada/new.git"))
        }
    }

    @Test("a client that stops sending ends git after the idle limit")
    func stalledClient() async throws {
        let git = GitCommand(dataDirectory: TemporaryDirectory.path, maximumPushBytes: nil)
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        defer { continuation.finish() }
        let input = try RequestBytes(RequestBody(asyncSequence: stream), encoding: nil, limit: 100)
        let start = ContinuousClock.now
        let error = await #expect(throws: Failure.self) {
            let nowhere = try FileDescriptor.open("/dev/null", .writeOnly)
            let arguments = ["hash-object", "--stdin"]
            _ = try await git.exchange(
                arguments,
                in: TemporaryDirectory.path,
                input: input,
                idleLimit: .milliseconds(100),
                complaints: nowhere
            ) { _ in }
        }
        #expect(error.flatMap { ErrorChain($0).first(APIError.self) }?.code == "clientTooSlow")
        #expect(.now - start < .seconds(20))
    }

    @Test("a reader that stops reading fails the sender after the idle limit, and pieces arrive in order otherwise")
    func stalledReader() async throws {
        let stalled = PieceChannel(idleLimit: .milliseconds(50))
        await #expect(throws: Failure.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stalled.watch() }
                group.addTask { try await stalled.send([1]) }
                try await group.waitForAll()
            }
        }
        let channel = PieceChannel()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<200 { try await channel.send([UInt8(number)]) }
                channel.finish()
            }
            var received: [UInt8] = []
            while let piece = try await channel.next() { received += piece }
            #expect(received == Array(0..<200))
        }
    }

    @Test("a lane is entered by one at a time, in order, and a cancelled waiter is skipped")
    func lanes() async throws {
        let lanes = Lanes<String>()
        let order = Collected<Int>()
        let (hold, release) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (entered, hasEntered) = AsyncStream<Void>.makeStream()
            group.addTask {
                try await lanes.withLane("a") {
                    hasEntered.finish()
                    for await _ in hold {}
                    order.add(0)
                }
            }
            for await _ in entered {}
            await #expect(throws: DeadlineExceeded.self) {
                try await withDeadline(.after(.milliseconds(50))) { try await lanes.withLane("a") { order.add(9) } }
            }
            try await lanes.withLane("b") { order.add(1) }
            group.addTask { try await lanes.withLane("a") { order.add(2) } }
            release.finish()
            try await group.waitForAll()
        }
        #expect(order.all == [1, 0, 2])
    }
}

extension GitFixture {
    /// The head of a request whose body is `length` bytes long.
    func requestHead(_ path: String, length: Int) -> [UInt8] {
        let lines = [
            "POST \(path) HTTP/1.1", "Host: x", "Authorization: token internal", "Content-Length: \(length)", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// How many git processes of a command run in this test's repositories.
    func gitProcesses(_ command: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.count { pid in
            // A process may end while we look at it.
            guard let line = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline")) else { return false }
            let text = String(decoding: line, as: UTF8.self)
            return text.contains(command) && text.contains("\(directory)/data")
        }
    }
}
