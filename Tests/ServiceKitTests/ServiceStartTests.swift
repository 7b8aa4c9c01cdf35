import Base
import FoundationEssentials
import Glibc
import HTTPTransport
import Hummingbird
import NIOCore
import ServiceKit
import ServiceLifecycle
import Store
import Synchronization
import TestSupport
import Testing
import WorkerClients

/// A maintained service in the test's own process, with parts of the test's choice.
@Suite("A maintained service", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ServiceStartTests {
    private struct NoCheck: RecordCheck {
        mutating func check(_ record: ImportedRecord, _ content: Void) throws {}

        mutating func finish() throws -> [String] { [] }
    }

    private func with(
        waitsForMode: Bool = true,
        makeParts: @escaping @Sendable (ServiceStore) async throws -> MaintainedService.Parts,
        _ body: (ServiceConnection, MaintenanceClient) async throws -> Void
    ) async throws {
        let directory = TemporaryDirectory.path
        let socket = "\(directory)/s.sock"
        let client = try HTTPClient()
        defer { client.shutdown() }
        try await TestService.with { onListening in
            if !waitsForMode { await onListening() }
            return MaintainedService(
                name: "test",
                socketPath: socket,
                token: nil,
                onListening: onListening,
                open: { try await Self.open("\(directory)/data") },
                importRules: {
                    ImportRules(
                        service: "test",
                        types: [],
                        makeCheck: { NoCheck() }
                    )
                },
                makeParts: makeParts
            )
        } _: {
            let connection = ServiceConnection(client: client, endpoint: .unix(socket), token: nil)
            try await body(connection, MaintenanceClient(connection: connection))
        }
    }

    private static func open(_ directory: String) async throws -> ServiceStore {
        try await LocalStore.open(directory: directory, projections: [])
    }

    private func health(_ connection: ServiceConnection, _ path: String, is status: Int) async throws {
        try await eventually("\(path) is \(status)", within: .seconds(60)) {
            do {
                return try await connection.open(.get, path).status == status
            } catch is HTTPTransportError {
                return false
            }
        }
    }

    @Test("that cannot open its store lives on without being ready, and begins when it can")
    func storeComesLate() async throws {
        let path = "\(TemporaryDirectory.path)/data"
        try Data("in the way".utf8).write(to: URL(filePath: path))
        try await with(waitsForMode: false) { _ in
            MaintainedService.Parts { $0.get("works") { _, _ in Response.empty() } }
        } _: { connection, _ in
            try await health(connection, "/healthz", is: 204)
            try await health(connection, "/readyz", is: 503)
            try await health(connection, "/works", is: 503)
            try FileManager.default.removeItem(atPath: path)
            try await health(connection, "/readyz", is: 204)
            try await health(connection, "/works", is: 204)
        }
    }

    @Test("goes into maintenance also while its start hangs, and out again")
    func hangingStart() async throws {
        let hangs = Mutex(true)
        try await with(waitsForMode: false) { _ in
            while hangs.withLock(\.self) { try await Task.sleep(for: .milliseconds(20)) }
            return MaintainedService.Parts { $0.get("works") { _, _ in Response.empty() } }
        } _: { connection, maintenance in
            try await health(connection, "/healthz", is: 204)
            try await health(connection, "/api/v1alpha/maintenance", is: 200)
            try await maintenance.enable()
            try await eventually("it is in maintenance", within: .seconds(60)) {
                let reply = try await connection.open(.get, "/api/v1alpha/maintenance")
                let body = String(decoding: try await reply.collect(), as: UTF8.self)
                return body.contains(#""currentStatus":true"#)
            }
            hangs.withLock { $0 = false }
            try await maintenance.disable()
            try await health(connection, "/works", is: 204)
        }
    }

    @Test("begins again when one of its parts fails")
    func failingPart() async throws {
        let failures = Mutex(2)
        try await with { _ in
            let mustFail = failures.withLock { left in
                left -= 1
                return left >= 0
            }
            return MaintainedService.Parts(
                services: [
                    {
                        if mustFail { throw Failure("this part breaks") }
                        try await Task.sleep(for: .seconds(3_600))
                    }
                ]
            ) { $0.get("works") { _, _ in Response.empty() } }
        } _: { connection, _ in
            try await eventually("it works after two failures", within: .seconds(60)) {
                try await connection.open(.get, "/works").status == 204 && failures.withLock { $0 < 0 }
            }
        }
    }

    @Test("ends what would last for ever when its mode ends, lets other requests end, and its parts last")
    func modeEnd() async throws {
        let events = Mutex<[String]>([])
        let note: @Sendable (String) -> Void = { text in events.withLock { $0.append(text) } }
        let release = Bell()
        try await with { _ in
            MaintainedService.Parts(
                services: [
                    {
                        defer { note("part ended") }
                        try await Task.sleep(for: .seconds(3_600))
                    }
                ]
            ) { routes in
                routes.get("poll") { _, _ in
                    let value: Bool? = try await untilGracefulShutdown {
                        try await Task.sleep(for: .seconds(3_600))
                        return true
                    }
                    return Response.empty(value == nil ? .serviceUnavailable : .ok)
                }
                routes.get("follow") { _, _ in
                    Response(
                        status: .ok,
                        body: ResponseBody { writer in
                            try await writer.write(ByteBuffer(string: "begun"))
                            _ = try await untilGracefulShutdown { try await Task.sleep(for: .seconds(3_600)) }
                            try await writer.finish(nil)
                        }
                    )
                }
                routes.get("slow") { _, _ in
                    note("slow began")
                    try await release.wait(beyond: 0)
                    note("slow ended")
                    return Response.empty()
                }
            }
        } _: { connection, maintenance in
            let followed = try await connection.open(.get, "/follow")
            async let polled = connection.open(.get, "/poll").status
            async let slow = connection.open(.get, "/slow").status
            try await eventually("the slow request runs", within: .seconds(60)) {
                events.withLock { $0.contains("slow began") }
            }
            try await maintenance.enable()
            #expect(try await followed.collect() == Array("begun".utf8))
            #expect(try await polled == 503)
            release.ring()
            #expect(try await slow == 204)
            try await eventually("the part has ended", within: .seconds(60)) {
                events.withLock { $0.contains("part ended") }
            }
            #expect(events.withLock(\.self) == ["slow began", "slow ended", "part ended"])
        }
    }
}
