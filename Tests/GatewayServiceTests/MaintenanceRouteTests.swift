import Base
import FoundationEssentials
import GatewayService
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("Maintenance, export and import over the public API", .temporaryDirectory, .timeLimit(.minutes(5)))
struct MaintenanceRouteTests {
    /// The status, once the service can say it.
    private func status(_ service: String, _ fixture: GatewayFixture) async throws -> MaintenanceStatus? {
        let answer = try await fixture.call(.get, "maintenance/\(service)", token: GatewayFixture.adminToken)
        guard answer.status != 503 else { return nil }
        return try answer.decode()
    }

    private func waitFor(_ isWanted: Bool, _ service: String, _ fixture: GatewayFixture) async throws {
        try await eventually("\(service) follows", within: .seconds(60)) {
            let status = try await status(service, fixture)
            return status?.currentStatus == isWanted
                && status?.instances.map(\.mode) == [isWanted ? "maintenance" : "normal"]
        }
    }

    private func wish(_ isWanted: Bool, _ service: String, _ fixture: GatewayFixture) async throws {
        try await eventually("\(service) takes the wish", within: .seconds(60)) {
            let method: HTTPRequest.Method = isWanted ? .put : .delete
            let answer = try await fixture.call(method, "maintenance/\(service)", token: GatewayFixture.adminToken)
            #expect([200, 503].contains(answer.status), "\(answer)")
            return answer.status == 200
        }
        try await waitFor(isWanted, service, fixture)
    }

    @Test("they are for administrators, and for services that keep a store")
    func access() async throws {
        try await GatewayFixture.with { fixture in
            let alice = try await fixture.makeUser("alice")
            let root = try await fixture.makeUser("root", isAdmin: true)
            let calls: [(HTTPRequest.Method, String)] = [
                (.get, "maintenance/configstore"), (.put, "maintenance/configstore"),
                (.delete, "maintenance/configstore"), (.get, "export/configstore"), (.post, "import/configstore"),
            ]
            for (method, path) in calls {
                let anonymous = try await fixture.call(method, path)
                #expect(anonymous.status == 401)
                let ordinary = try await fixture.call(method, path, token: alice.token)
                #expect(ordinary.status == 403)
                let service = path.replacing("configstore", with: "gitserver")
                let unknown = try await fixture.call(method, service, token: root.token)
                #expect(unknown.status == 400)
                #expect(unknown.code == "unknownService")
            }
            let asAdmin = try await fixture.call(.get, "maintenance/runservice", token: root.token)
            #expect(asAdmin.status == 200)
            #expect(asAdmin.text.contains(#""RequestedStatus":false"#))
            #expect(asAdmin.text.contains(#""CurrentStatus":false"#))
        }
    }

    @Test("while the configstore is in maintenance only the admin token is known, and everything else is 503")
    func configStore() async throws {
        try await GatewayFixture.with { fixture in
            let root = try await fixture.makeUser("root", isAdmin: true)
            try await wish(true, "configstore", fixture)
            let again = try await fixture.call(.put, "maintenance/configstore", token: GatewayFixture.adminToken)
            #expect(again.status == 400)
            #expect(again.code == "maintenanceAlreadyEnabled")
            let lost = try await fixture.call(.get, "maintenance/configstore", token: root.token)
            #expect(lost.status == 503)
            #expect(lost.code == "maintenance")
            #expect(lost.message.contains("admin token"))
            #expect(lost.headers[.retryAfter] == "2")
            let users = try await fixture.call(.get, "users", token: GatewayFixture.adminToken)
            #expect(users.status == 503)
            #expect(users.code == "maintenance")
            try await wish(false, "configstore", fixture)
            let off = try await fixture.call(.delete, "maintenance/configstore", token: root.token)
            #expect(off.status == 400)
            #expect(off.code == "maintenanceAlreadyDisabled")
        }
    }

    @Test("an export of several megabytes goes through nginx, and back in through it; a broken one does not")
    func throughNginx() async throws {
        try await GatewayFixture.with { fixture in
            let alice = try await fixture.makeUser("alice")
            // Enough for a body beyond the limit of ordinary requests.
            try await makeUsers(Self.users, fixture)
            try await site(fixture) { api in
                let export = try await api.export()
                #expect(export.count > 1 << 20)
                let early = await api.refusal(import: export)
                #expect(early?.code == "notInMaintenance")
                try await fixture.configstore.deleteUser("alice")
                _ = try await fixture.makeUser("bob")
                try await wish(true, "configstore", fixture)
                let broken = await api.refusal(import: export.dropLast(1 << 10))
                #expect(broken?.code == "invalidImport")
                let report = try await api.importStream(export)
                #expect(report.records["user"] == Self.users + 1)
                try await wish(false, "configstore", fixture)
                let back = try await fixture.call(.get, "user", token: alice.token)
                #expect(back.status == 200)
                let gone = try await fixture.call(.get, "users/bob", token: GatewayFixture.adminToken)
                #expect(gone.status == 404)
            }
        }
    }

    private static let users = 2_000

    private func makeUsers(_ count: Int, _ fixture: GatewayFixture) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<16 {
                group.addTask {
                    for number in stride(from: lane, to: count, by: 16) {
                        let name = "user-\(number)-\(String(repeating: "x", count: 28))"
                        let creation = UserCreation(name: name, password: nil, isAdmin: false)
                        _ = try await fixture.configstore.create(creation)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func site(_ fixture: GatewayFixture, _ body: (PublicSite) async throws -> Void) async throws {
        let directory = fixture.directory
        try await TestNginx.run { settings in
            try NginxSite(
                listen: settings.listen,
                publicDirectory: directory,
                apiSocket: "\(directory)/ga.sock",
                streamSocket: "\(directory)/gs.sock",
                allowedOrigins: [],
                includesTests: false,
                user: settings.user
            ).files()
        } _: { nginx in
            let connection = ServiceConnection(
                client: fixture.http,
                endpoint: try .url(nginx.url),
                token: GatewayFixture.adminToken
            )
            try await body(PublicSite(connection: connection))
        }
    }
}

/// The configstore's export and import as clients reach them.
private struct PublicSite: Sendable {
    let connection: ServiceConnection

    func export() async throws -> [UInt8] {
        let reply = try await connection.open(.get, "/api/v1alpha/export/configstore")
        return try await ServiceConnection.checked(reply).collect()
    }

    func importStream(_ bytes: [UInt8]) async throws -> ImportReport {
        let reply = try await connection.open(.post, "/api/v1alpha/import/configstore", body: .bytes(bytes))
        return try JSONCoding.decode(ImportReport.self, from: try await ServiceConnection.checked(reply).collect())
    }

    func refusal(import bytes: [UInt8]) async -> RemoteError? {
        do {
            _ = try await importStream(bytes)
            return nil
        } catch {
            return ErrorChain(error).first(RemoteError.self)
        }
    }
}
