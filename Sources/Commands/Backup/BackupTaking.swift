import Base
import FoundationEssentials
import GatewayClient
import HTTPTransport

/// Makes a backup of an installation, while it works.
///
/// The order makes the parts fit each other: records before the objects and repositories they speak of, and each service after those
/// that it must not know more than. What comes into being meanwhile is more than the records need, never less.
struct BackupTaking {
    /// What a backup holds.
    struct Summary {
        var objects = 0
        var repositories = 0
        /// Objects and repositories that were listed and then removed.
        var removed = 0
        var bytes: Int64 = 0
    }

    /// How often a part is asked for again when its connection breaks.
    private static let patience = 8

    private let gateway: Gateway
    private let progress: TransferProgress
    private var writer: BackupWriter
    private var summary = Summary()

    /// Makes a backup in a new file.
    /// - Throws: what the server refuses with; ``SystemError``. There is no file then.
    static func run(from gateway: Gateway, to path: String) async throws -> Summary {
        let created = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let manifest = BackupManifest(id: HexText.random(bytes: 16), created: created, martlet: martletVersion)
        var writer = try await BackupWriter.create(path, manifest)
        let progress = TransferProgress("backup", of: nil)
        defer { progress.end() }
        return try await writer.orDiscard { writer in
            var taking = BackupTaking(gateway: gateway, progress: progress, writer: writer)
            defer { writer = taking.writer }
            return try await taking.takeAll()
        }
    }

    private init(gateway: Gateway, progress: TransferProgress, writer: BackupWriter) {
        self.gateway = gateway
        self.progress = progress
        self.writer = writer
    }

    private mutating func takeAll() async throws -> Summary {
        try await require(.configKey) { [gateway] in try await gateway.backupPart("key", of: .configstore) }
        try await takeExport(.configExport, of: .configstore)
        // After the projects that hear of pushes, before the runs that deliveries lead to: a delivery that comes twice is recognized.
        try await require(.outbox) { [gateway] in try await gateway.backupPart("outbox", of: .gitserver) }
        try await takeExport(.runExport, of: .runservice)
        try await takeObjects()
        try await takeRepositories()
        summary.bytes = try await writer.finish()
        return summary
    }

    private mutating func takeExport(_ entry: BackupEntry, of service: Gateway.Service) async throws {
        _ = try await take(entry) { [gateway] in
            let (length, body) = try await gateway.export(service)
            return (length, body)
        }
    }

    private mutating func require(
        _ entry: BackupEntry,
        _ open: () async throws -> (length: Int?, body: HTTPReplyBody)?
    ) async throws {
        guard try await take(entry, open) else { throw Failure("the server has no \(entry.name)") }
    }

    private mutating func takeObjects() async throws {
        var last = ""
        while true {
            let page = try await patiently { [gateway, last] in try await gateway.backupObjects(after: last) }
            guard let end = page.last?.name else { return }
            for object in page {
                let isThere = try await take(.object(object.name)) { [gateway] in
                    try await gateway.backupPart("objects/\(object.name)", of: .runservice)
                }
                if isThere { summary.objects += 1 } else { summary.removed += 1 }
            }
            last = end
        }
    }

    private mutating func takeRepositories() async throws {
        var last = ""
        while true {
            let page = try await patiently { [gateway, last] in try await gateway.backupRepositories(after: last) }
            guard let end = page.last?.path else { return }
            for repository in page { try await take(repository) }
            last = end
        }
    }

    // The head stands for the repository, and the bundle is its content, so both are written or none.
    private mutating func take(_ repository: Gateway.BackupRepository) async throws {
        let before = writer.place
        try await writer.add(.head(repository.path), Array("\(repository.head)\n".utf8))
        let isThere = try await take(.bundle(repository.path)) { [gateway] in
            try await gateway.backupPart("repositories/\(repository.path)/bundle", of: .gitserver)
        }
        if isThere {
            summary.repositories += 1
        } else {
            try await writer.goBack(to: before)
            summary.removed += 1
        }
    }

    /// Takes a part, again when its connection breaks.
    /// - Returns: false when there is no such part.
    private mutating func take(
        _ entry: BackupEntry,
        _ open: () async throws -> (length: Int?, body: HTTPReplyBody)?
    ) async throws -> Bool {
        try await attempt("back up \(entry.name)") {
            var failures = 0
            while true {
                do {
                    guard let (length, body) = try await open() else { return false }
                    guard let length else { throw Failure("the server does not say how long it is") }
                    // An empty repository has no bundle.
                    if case .bundle = entry, length == 0 { return true }
                    let pieces = body.makeAsyncIterator()
                    try await writer.add(entry, size: Int64(length)) { [progress] in
                        let piece = try await pieces.next()
                        progress.add(piece?.count ?? 0)
                        return piece
                    }
                    return true
                } catch  where Self.isWorthRepeating(error) && failures < Self.patience {
                    failures += 1
                    try await Task.sleep(for: .milliseconds(100) * (1 << failures))
                }
            }
        }
    }

    private func patiently<Value>(_ call: () async throws -> Value) async throws -> Value {
        var failures = 0
        while true {
            do {
                return try await call()
            } catch  where Self.isWorthRepeating(error) && failures < Self.patience {
                failures += 1
                try await Task.sleep(for: .milliseconds(100) * (1 << failures))
            }
        }
    }

    // A service that changes its mode, or starts anew, cuts what runs and answers a moment later.
    static func isWorthRepeating(_ error: any Error) -> Bool {
        let chain = ErrorChain(error)
        if let transport = chain.first(HTTPTransportError.self) {
            return [.cannotConnect, .timedOut, .brokenTransfer].contains(transport.kind)
        }
        return chain.first(Gateway.Refusal.self)?.status == 503
    }
}
