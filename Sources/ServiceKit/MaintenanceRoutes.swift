import Base
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import Store

/// The routes of maintenance, export and import, which a service answers in every mode.
struct MaintenanceRoutes: Sendable {
    /// Where exports are asked for.
    static let exportPath = "/api/v1alpha/export"
    /// Where the routes are.
    private static let paths: Set = ["/api/v1alpha/maintenance", exportPath, "/api/v1alpha/import"]

    /// Whether a path is one of the routes'.
    static func contain(_ path: String) -> Bool { paths.contains(path) || path.hasPrefix(BackupRoutes.prefix) }

    private static let pieceSize = 256 << 10

    let rules: ImportRules
    /// The rules of an import that begins now.
    let importRules: @Sendable () async throws -> ImportRules
    let store: ServiceStore
    let backup: BackupRoutes

    /// Adds the routes below `/api/v1alpha`.
    /// - Parameters:
    ///   - group: where to add them.
    ///   - mode: what this process is doing.
    func add(to group: RouterGroup<ServiceContext>, mode: ServiceInstance.Mode) {
        backup.add(to: group, isInMaintenance: mode == .maintenance)
        group.get("maintenance") { _, _ in try Response.json(try await status(mode)) }
        group.put("maintenance") { _, _ in
            try await wish(
                true,
                otherwise: APIError(
                    .badRequest,
                    code: "maintenanceAlreadyEnabled",
                    "Maintenance of the \(rules.service) is enabled already."
                )
            )
        }
        group.delete("maintenance") { _, _ in
            try await backup.expectNoRestore()
            return try await wish(
                false,
                otherwise: APIError(
                    .badRequest,
                    code: "maintenanceAlreadyDisabled",
                    "Maintenance of the \(rules.service) is disabled already."
                )
            )
        }
        group.get("export") { _, _ in try await export() }
        group.post("import") { request, _ in
            guard mode == .maintenance else { throw Self.notInMaintenance }
            return try Response.json(try await importStream(request))
        }
    }

    private func status(_ mode: ServiceInstance.Mode) async throws -> MaintenanceStatus {
        try await attempt("read the maintenance of the \(rules.service)") {
            MaintenanceStatus(
                requestedStatus: try await store.maintenance.isWanted,
                currentStatus: mode == .maintenance,
                instances: try await store.instances().map(MaintenanceStatus.Instance.init)
            )
        }
    }

    private func wish(_ isWanted: Bool, otherwise refusal: APIError) async throws -> Response {
        let isNew = try await attempt("set the maintenance of the \(rules.service)") {
            try await store.setMaintenance(isWanted, reason: "asked for by the API")
        }
        guard isNew else { throw refusal }
        Logger.current.notice("maintenance wished", metadata: ["wanted": "\(isWanted)"])
        return Response(status: .ok, headers: [.contentType: "application/json"])
    }

    // MARK: Export

    private func export() async throws -> Response {
        let file = try await attempt("export the \(rules.service)") {
            try await store.export(service: rules.service, types: rules.types)
        }
        Logger.current.notice("export made", metadata: ["bytes": "\(file.size)", "entries": "\(file.entries)"])
        return Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: Self.body(of: file)
        )
    }

    // The length is known, and what is thrown after the first byte breaks the connection off: nobody takes a part for the whole.
    private static func body(of file: ExportFile) -> ResponseBody {
        ResponseBody(contentLength: Int(file.size)) { writer in
            var offset: Int64 = 0
            while offset < file.size {
                guard ModeEnd.current?.isOlder(than: SwitchedResponder.exportGrace) != true else {
                    throw Failure("an export took too long after the service changed its mode")
                }
                let bytes = try await file.read(at: offset, count: pieceSize)
                guard !bytes.isEmpty else { throw Failure("an export's file ends early") }
                offset += Int64(bytes.count)
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
    }

    // MARK: Import

    private static let notInMaintenance = APIError(
        .badRequest,
        code: "notInMaintenance",
        "An import needs maintenance: enable it, and wait until the service is in it."
    )

    private func importStream(_ request: Request) async throws -> ImportReport {
        let isDryRun = try request.flag("dryRun")
        let isForced = try request.flag("force")
        var rules = try await importRules()
        rules.skipsUnknown = try request.flag("skipUnknown")
        let source = try await take(request.body, rules)
        if !isDryRun {
            do {
                _ = try await attempt("import into the \(rules.service)") {
                    try await store.authority.replaceAll(with: source, force: isForced)
                }
            } catch let error where StoreError.kind(of: error) == .locked {
                let message =
                    "Another import into the \(rules.service) is under way, or was killed just now. Try again in a minute."
                throw APIError(.unavailable, code: "importUnderWay", message, cause: error)
            }
            Logger.current.notice("import made")
        }
        let summary = source.summary
        return ImportReport(records: summary.records, warnings: summary.warnings, isDryRun: isDryRun)
    }

    private func take(_ body: RequestBody, _ rules: ImportRules) async throws -> ImportSource {
        try await attempt("take an import of the \(rules.service) in") {
            let intake = try await store.beginImport(rules)
            do {
                for try await piece in body { try await intake.add(Array(buffer: piece)) }
            } catch let error where !(error is APIError || error is StoreError || error is CancellationError) {
                throw APIError(.badRequest, code: "brokenBody", "The import did not arrive whole.", cause: error)
            }
            return try await intake.finish()
        }
    }
}

extension MaintenanceStatus.Instance {
    fileprivate init(_ instance: ServiceInstance) {
        self.init(
            id: instance.id,
            host: instance.host,
            pid: instance.pid,
            version: instance.version,
            mode: instance.mode.rawValue,
            seenRevision: instance.seenRevision,
            since: instance.since
        )
    }
}
