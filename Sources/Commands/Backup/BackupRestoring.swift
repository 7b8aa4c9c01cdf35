import Base
import FoundationEssentials
import GatewayClient
import HTTPTransport

/// Puts a backup into an empty installation.
///
/// The backup is read as a whole before anything is changed. Then both services with records go into maintenance, and every part is put
/// back; each of these steps may be repeated, so a restore that broke off is repeated with the same backup.
struct BackupRestoring {
    /// What was put back.
    struct Summary {
        var objects = 0
        var repositories = 0
    }

    /// How long the services may take to change their mode.
    private static let patience: Duration = .seconds(120)

    private let gateway: Gateway
    private let source: BackupSource
    private let manifest: BackupManifest
    private let progress: TransferProgress
    private var summary = Summary()

    /// Checks a backup from end to end; blocks.
    /// - Returns: its manifest and the bytes that were read.
    /// - Throws: ``BackupDamage``; ``SystemError``.
    static func verify(_ source: BackupSource, _ progress: TransferProgress) throws -> BackupManifest {
        var reader = BackupReader(source)
        var last: Int64 = 0
        while try reader.next() != nil {
            while try reader.read() != nil {
                progress.add(Int(reader.position - last))
                last = reader.position
            }
        }
        guard let manifest = reader.manifest else { throw Failure("a backup without a manifest") }
        return manifest
    }

    /// Restores a backup whose file was verified.
    /// - Throws: ``CommandFailure`` that says in which state the installation is.
    static func run(
        _ source: BackupSource,
        _ manifest: BackupManifest,
        into gateway: Gateway,
        isDetailed: Bool
    ) async throws -> Summary {
        let progress = TransferProgress("restore", of: Int(source.size))
        defer { progress.end() }
        var restoring = BackupRestoring(gateway: gateway, source: source, manifest: manifest, progress: progress)
        let isComplete = try await restoring.isComplete()
        do {
            if !isComplete {
                try await restoring.begin()
                try await restoring.putAll()
            }
            try await restoring.end()
        } catch let error where !ErrorChain(error).isCancellation {
            let reason = CommandFailure(explaining: error, gateway: gateway.url, isDetailed: isDetailed)
            throw CommandFailure(
                """
                \(reason.message)
                The restore broke off. What is not in maintenance any more is whole; everything else stays in maintenance. Repeat the \
                restore with the same backup, or begin again with another empty installation.
                """,
                reason.outcome
            )
        }
        return restoring.summary
    }

    private init(gateway: Gateway, source: BackupSource, manifest: BackupManifest, progress: TransferProgress) {
        self.gateway = gateway
        self.source = source
        self.manifest = manifest
        self.progress = progress
    }

    // MARK: Beginning and end

    /// Whether everything was put back before, and only the end is missing: some services have forgotten the restore already.
    /// - Throws: ``CommandFailure`` when the installation holds something else.
    private func isComplete() async throws -> Bool {
        var isBegun = false
        var full: [Gateway.BackedUpService] = []
        for service in Gateway.BackedUpService.allCases {
            let state = try await gateway.restoreState(of: service)
            if let other = state.backup, other != manifest.id {
                throw CommandFailure(
                    """
                    the restore of another backup (\(other)) into the \(service.rawValue) has not ended: repeat that one, or begin again with \
                    another empty installation
                    """
                )
            }
            if state.backup != nil { isBegun = true } else if !state.isEmpty { full.append(service) }
        }
        guard let first = full.first else { return false }
        guard isBegun else {
            throw CommandFailure(
                "the \(first.rawValue) is not empty: a backup is restored into an empty installation, such as of “martletd up --empty”"
            )
        }
        return true
    }

    private func begin() async throws {
        for service in Gateway.Service.allCases { try await setMaintenance(true, of: service) }
        for service in Gateway.BackedUpService.allCases {
            try await gateway.beginRestore(of: manifest.id, into: service)
        }
    }

    // Nothing is put back any more once a service has forgotten the restore. The git server forgets last: it delivers what was pending,
    // so the others have to be there, and until then the end can be repeated.
    private func end() async throws {
        for service in [Gateway.BackedUpService.runservice, .configstore] {
            try await gateway.endRestore(into: service)
        }
        for service in [Gateway.Service.runservice, .configstore] { try await setMaintenance(false, of: service) }
        try await gateway.endRestore(into: .gitserver)
    }

    private func setMaintenance(_ isWanted: Bool, of service: Gateway.Service) async throws {
        if try await gateway.maintenance(of: service).requestedStatus != isWanted {
            try await gateway.setMaintenance(isWanted, of: service)
        }
        let deadline = Deadline.after(Self.patience)
        while true {
            do {
                if try await gateway.maintenance(of: service).isSettled { return }
            } catch  where BackupTaking.isWorthRepeating(error) {
                // It is between its modes.
            }
            guard !deadline.isPast else { throw Failure("the \(service.rawValue) does not change its mode") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: Parts

    private mutating func putAll() async throws {
        let reader = SharedReader(source)
        var head: (path: String, branch: String)?
        while let (entry, size) = try await reader.next() {
            if let (path, branch) = head, entry != .bundle(path) {
                try await put(path, branch, .bytes([]))
                head = nil
            }
            try await attempt("restore \(entry.name)") {
                let body = HTTPBody.stream(length: Int(size), SharedReader.Pieces(reader: reader, progress: progress))
                if let path = try await put(entry, body, head?.branch) {
                    head = (path, String(try await reader.text().prefix { !$0.isNewline }))
                } else {
                    head = nil
                }
            }
        }
        if let (path, branch) = head { try await put(path, branch, .bytes([])) }
    }

    /// Puts an entry back.
    /// - Returns: the repository when the entry is its head, whose content is still to be read.
    private mutating func put(_ entry: BackupEntry, _ body: HTTPBody, _ branch: String?) async throws -> String? {
        switch entry {
        case .manifest, .checksums: break
        case .configKey: try await gateway.restorePart("key", of: .configstore, body)
        case .configExport: _ = try await gateway.importStream(body, into: .configstore, .init())
        case .outbox: try await gateway.restorePart("outbox", of: .gitserver, body)
        case .runExport: _ = try await gateway.importStream(body, into: .runservice, .init())
        case .object(let name):
            try await gateway.restorePart("objects/\(name)", of: .runservice, body)
            summary.objects += 1
        case .head(let path): return path
        case .bundle(let path): try await put(path, branch ?? "", body)
        }
        return nil
    }

    private mutating func put(_ path: String, _ branch: String, _ body: HTTPBody) async throws {
        try await gateway.restorePart("repositories/\(path)/bundle", of: .gitserver, query: [("head", branch)], body)
        summary.repositories += 1
    }
}
