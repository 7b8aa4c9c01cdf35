import Base
import Glibc
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

/// A maintained service that keeps notes, in a process of its own; several may share a store.
struct NotesProcess: Sendable {
    let pid: Int32
    let connection: ServiceConnection
    let maintenance: MaintenanceClient

    /// Runs `body` beside a process on the test's store.
    static func with<Value: Sendable>(
        _ name: String,
        _ client: HTTPClient,
        _ body: (NotesProcess) async throws -> Value
    ) async throws -> Value {
        let directory = TemporaryDirectory.path
        let socket = "\(directory)/\(name).sock"
        let outcome = try await TestProcess.with(
            "MaintainedHost",
            ["\(directory)/data", socket],
            log: "\(directory)/\(name).log"
        ) { pid in
            // A stopped process does not hear that it is to end.
            defer { kill(pid, SIGCONT) }
            let connection = ServiceConnection(client: client, endpoint: .unix(socket), token: nil)
            let notes = NotesProcess(
                pid: pid,
                connection: connection,
                maintenance: MaintenanceClient(connection: connection)
            )
            try await eventually("\(name) listens", within: .seconds(60)) {
                try await notes.answers { try await notes.connection.open(.get, "/healthz").status == 204 }
            }
            return try await body(notes)
        }
        return outcome.value
    }

    /// Whether `call` says yes; a service that cannot answer now says no.
    func answers(_ call: () async throws -> Bool) async throws -> Bool {
        do {
            return try await call()
        } catch {
            let chain = ErrorChain(error)
            guard chain.first(RemoteError.self)?.kind == .unavailable || chain.first(HTTPTransportError.self) != nil
            else { throw error }
            return false
        }
    }

    /// Waits until the process itself is in maintenance, or in normal operation.
    func waitFor(maintenance isWanted: Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually(
            "process \(pid) is \(isWanted ? "in" : "out of") maintenance",
            within: .seconds(60),
            sourceLocation: sourceLocation
        ) {
            try await answers {
                let status = try await maintenance.status()
                guard status.currentStatus == isWanted, status.requestedStatus == isWanted else { return false }
                if isWanted { return true }
                return try await connection.open(.get, "/readyz").status == 204
            }
        }
    }

    /// Sends a wish until it is taken; a process between two modes asks for patience.
    func wish(_ isWanted: Bool) async throws {
        try await eventually("process \(pid) takes a wish", within: .seconds(60)) {
            try await answers {
                try await isWanted ? maintenance.enable() : maintenance.disable()
                return true
            }
        }
    }

    /// Stores a note.
    func put(_ text: String, as id: String) async throws {
        _ = try await connection.exchange(.put, "/api/v1alpha/notes/\(id)", body: .bytes(Array(text.utf8)))
    }

    /// A note; nil when there is none.
    func note(_ id: String) async throws -> String? {
        do {
            return try await connection.get("/api/v1alpha/notes/\(id)")
        } catch {
            guard ErrorChain(error).first(RemoteError.self)?.kind == .notExist else { throw error }
            return nil
        }
    }
}

/// What a service answered instead of a result.
func refusal(_ call: () async throws -> some Any) async -> RemoteError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return ErrorChain(error).first(RemoteError.self)
    }
}
