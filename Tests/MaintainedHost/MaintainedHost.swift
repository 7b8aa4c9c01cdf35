import Base
import Hummingbird
import Logging
import ServiceKit
import ServiceLifecycle
import Store
import UnixSignals

/// A small maintained service in a process of its own, for tests that stop and kill it: `MaintainedHost <data directory> <socket>`.
///
/// In normal operation `PUT /api/v1alpha/notes/<id>` stores the body as a record, and `GET` reads it.
@main struct MaintainedHost {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { throw Failure("usage: MaintainedHost <data directory> <socket>") }
        let directory = arguments[1]
        let service = MaintainedService(
            name: "notes",
            socketPath: arguments[2],
            token: nil,
            open: { try await LocalStore.open(directory: directory, projections: []) },
            importRules: {
                ImportRules(
                    service: "notes",
                    types: ["note"],
                    makeCheck: { NoCheck() }
                )
            },
            makeParts: { store in MaintainedService.Parts { Self.addRoutes(to: $0, store) } }
        )
        try await ServiceGroup(services: [service], gracefulShutdownSignals: [.sigterm], logger: Logger(label: "host"))
            .run()
    }

    private static func addRoutes(to routes: RouterGroup<ServiceContext>, _ store: ServiceStore) {
        routes.put("api/v1alpha/notes/:id") { request, context in
            let id = try context.pathVariable("id")
            let bytes = try await request.bytes(limit: 1 << 20)
            try await attempt("store a note") {
                var batch = Batch()
                batch.put(record: id, type: "note", .init(bytes))
                _ = try await store.commit(batch)
            }
            return Response.empty()
        }
        routes.get("api/v1alpha/notes/:id") { _, context in
            let id = try context.pathVariable("id")
            guard let note = try await store.read({ try $0.record(type: "note", id: id) }) else {
                throw APIError(.notExist, "There is no such note.")
            }
            return try Response.json(String(decoding: note.data, as: UTF8.self))
        }
    }
}

/// Takes every record.
private struct NoCheck: RecordCheck {
    mutating func check(_ record: ImportedRecord, _ content: Void) throws {}

    mutating func finish() throws -> [String] { [] }
}
