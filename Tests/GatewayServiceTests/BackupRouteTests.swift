import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@testable import GatewayService

@Suite("The parts of backups over the public API", .temporaryDirectory, .timeLimit(.minutes(3)))
struct BackupRouteTests {
    /// Calls as the installation's admin; through nginx when there is one.
    private func admin(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fixture: GatewayFixture,
        body: [UInt8]? = nil,
        nginx: TestNginx? = nil
    ) async throws -> Answer {
        let endpoint = try nginx.map { try HTTPEndpoint.url($0.url) } ?? fixture.endpoint
        let call = HTTPCall(
            method,
            endpoint,
            "/api/v1alpha/\(path)",
            headers: [.authorization: "token \(GatewayFixture.adminToken.revealed)"],
            body: body.map { .bytes($0) } ?? .none,
            deadline: .after(.seconds(60))
        )
        let reply = try await fixture.http.send(call)
        return Answer(status: reply.status, headers: reply.headers, bytes: try await reply.collect())
    }

    private func behindNginx(_ body: (GatewayFixture, TestNginx) async throws -> Void) async throws {
        try await GatewayFixture.with { fixture in
            let directory = fixture.directory
            try await TestNginx.run { settings in
                try NginxSite(
                    listen: settings.listen,
                    publicDirectory: directory,
                    apiSocket: "\(directory)/ga.sock",
                    streamSocket: "\(directory)/gs.sock",
                    user: settings.user
                ).files()
            } _: { nginx in
                try await body(fixture, nginx)
            }
        }
    }

    private func enterMaintenance(_ service: String, _ fixture: GatewayFixture) async throws {
        #expect(try await admin(.put, "maintenance/\(service)", fixture).status == 200)
        try await eventually("\(service) is in maintenance", within: .seconds(60)) {
            try await admin(.get, "maintenance/\(service)", fixture).text.contains(#""CurrentStatus":true"#)
        }
    }

    @Test("they are for administrators, restoring for the installation's admin token, and neither for a session")
    func access() async throws {
        try await GatewayFixture.with { fixture in
            let alice = try await fixture.makeUser("alice")
            let root = try await fixture.makeUser("root", isAdmin: true)
            let reading = ["configstore/key", "gitserver/outbox", "runservice/objects", "gitserver/repositories"]
            for path in reading {
                #expect(try await fixture.call(.get, "backup/\(path)").status == 401)
                #expect(try await fixture.call(.get, "backup/\(path)", token: alice.token).status == 403)
                let answer = try await fixture.call(.get, "backup/\(path)", token: root.token)
                #expect(answer.status == 200)
                #expect(answer.headers[.cacheControl] == "no-store")
            }
            for path in ["configstore/key", "configstore/restore/b1", "runservice/objects/logs/t/data/setup.log"] {
                #expect(try await fixture.call(.put, "backup/\(path)", token: alice.token).status == 403)
                let answer = try await fixture.call(.put, "backup/\(path)", token: root.token)
                #expect(answer.status == 403 && answer.code == "adminTokenRequired")
            }
            #expect(try await fixture.call(.get, "backup/executor/key", token: root.token).code == "unknownService")
        }
    }

    @Test("nothing is put back outside of a restore, and no restore begins where something is")
    func guarded() async throws {
        try await GatewayFixture.with { fixture in
            for path in ["configstore/key", "runservice/objects/logs/t/data/setup.log"] {
                let answer = try await admin(.put, "backup/\(path)", fixture, body: [1])
                #expect(answer.status == 400 && answer.code == "notInMaintenance", "\(answer)")
            }
            let outbox = try await admin(.put, "backup/gitserver/outbox", fixture, body: [])
            #expect(outbox.status == 400 && outbox.code == "noRestore", "\(outbox)")
            for service in ["configstore", "runservice"] { try await enterMaintenance(service, fixture) }
            let key = try await admin(.put, "backup/configstore/key", fixture, body: [1])
            #expect(key.status == 400 && key.code == "noRestore", "\(key)")
            #expect(try await admin(.put, "backup/runservice/restore/b1", fixture).status == 204)
            let other = try await admin(.put, "backup/runservice/restore/b2", fixture)
            #expect(other.status == 400 && other.code == "otherRestore", "\(other)")
            for name in ["caches/a.tar", "logs/../../x", "logs/a%2Fb", "logs//x", "x"] {
                let answer = try await admin(.put, "backup/runservice/objects/\(name)", fixture, body: [1])
                #expect([400, 404].contains(answer.status), "\(name): \(answer)")
            }
        }
        // A user is something.
        try await TemporaryDirectory.with { _ in
            try await GatewayFixture.with { fixture in
                _ = try await fixture.makeUser("alice")
                try await enterMaintenance("configstore", fixture)
                let answer = try await admin(.put, "backup/configstore/restore/b1", fixture)
                #expect(answer.status == 400 && answer.code == "notEmpty", "\(answer)")
            }
        }
    }

    @Test("objects of any size go through nginx in both directions, in pages of ascending names, and no others")
    func objects() async throws {
        try await behindNginx { fixture, nginx in
            try await enterMaintenance("runservice", fixture)
            #expect(try await admin(.put, "backup/runservice/restore/b1", fixture).status == 204)
            var bytes = [UInt8](repeating: 0, count: 5 << 20)
            var random = SeededGenerator(seed: 3)
            for index in stride(from: 0, to: bytes.count, by: 997) {
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let content: [(String, [UInt8])] = [
                ("logs/a/data/setup.log", bytes), ("logs/b/runs/é", []), ("workspacearchives/a/data/0.tar", [1, 2, 3]),
            ]
            // Twice, as a restore that broke off is repeated.
            for (name, bytes) in content + content {
                let path = name.replacing("é", with: "%C3%A9")
                let answer = try await admin(
                    .put,
                    "backup/runservice/objects/\(path)",
                    fixture,
                    body: bytes,
                    nginx: nginx
                )
                #expect(answer.status == 204, "\(answer)")
            }
            for (name, bytes) in content {
                let path = name.replacing("é", with: "%C3%A9")
                let answer = try await admin(.get, "backup/runservice/objects/\(path)", fixture, nginx: nginx)
                #expect(answer.status == 200 && answer.bytes == bytes)
                #expect(answer.headers[.contentLength] == "\(bytes.count)")
            }
            // Until its end nobody takes the service for whole.
            for (method, path) in [
                (HTTPRequest.Method.get, "backup/runservice/objects"), (.delete, "maintenance/runservice"),
            ] {
                let early = try await admin(method, path, fixture)
                #expect(early.status == 400 && early.code == "restoreUnfinished", "\(early)")
            }
            #expect(try await admin(.delete, "backup/runservice/restore", fixture).status == 204)
            struct Entry: Decodable { let name: String }
            let all: [Entry] = try await admin(.get, "backup/runservice/objects", fixture).decode()
            #expect(all.map(\.name) == content.map(\.0))
            let rest: [Entry] = try await admin(.get, "backup/runservice/objects?after=logs/a/data/setup.log", fixture)
                .decode()
            #expect(rest.map(\.name) == content.dropFirst().map(\.0))
            let last: [Entry] = try await admin(
                .get,
                "backup/runservice/objects?after=workspacearchives/a/data/0.tar",
                fixture
            ).decode()
            #expect(last.isEmpty)
            #expect(try await admin(.get, "backup/runservice/objects/logs/none", fixture).status == 404)
            let late = try await admin(.put, "backup/runservice/objects/logs/c", fixture, body: [1])
            #expect(late.status == 400 && late.code == "noRestore", "\(late)")
        }
    }
}
