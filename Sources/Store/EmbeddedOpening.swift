import Base
import CLinux
import FoundationEssentials
import GRDB
import Glibc
import Logging

/// The steps of opening a store, in order; they block.
struct EmbeddedOpening {
    private let directory: String
    private let path: String
    private let projections: ProjectionSet
    private let options: StoreOptions
    private let clock: BootClock

    init(_ directory: String, _ projections: [any Projection], _ options: StoreOptions) throws {
        self.directory = directory
        path = "\(directory)/store.sqlite"
        self.projections = try ProjectionSet(projections)
        self.options = options
        clock = try options.clock ?? BootClock.system()
    }

    func open() throws -> ServiceStore {
        guard options.createsStore || access(path, F_OK) == 0 else {
            throw StoreError(.notInitialized, "\(directory) holds no store yet")
        }
        try prepareDirectory()
        let inUse = try InUseMark(directory: directory)
        try createFile()
        do {
            let writer = try DatabaseQueue(path: path, configuration: configuration(isWriter: true))
            let identity = try writer.inDatabase(prepare)
            return try assemble(writer: writer, identity: identity, inUse: inUse)
        } catch {
            throw StoreError.wrapping(error, "open \(path)")
        }
    }

    private func assemble(writer: DatabaseQueue, identity: StoreIdentity, inUse: InUseMark) throws -> ServiceStore {
        let readers = try (0..<max(options.readers, 1)).map { _ in try connection() }
        let wakeUp = try WakeUp()
        let doorbell = try Doorbell(directory: directory)
        doorbell.hang()
        let signal = ChangeSignal(revision: identity.revision) { wakeUp.signal() }
        let store = LocalStore(
            directory: directory,
            clock: clock,
            signal: signal,
            readers: ReaderPool(readers),
            watcher: StoreWatcher(connection: try connection(), signal: signal, wakeUp: wakeUp, doorbell: doorbell),
            inUse: inUse
        )
        let queue = CommitQueue(writer: writer, projections: projections, options: options, clock: clock) {
            db,
            transaction,
            before in
            // A gap means that other processes committed in between; the watcher would tell later.
            let isGapless = signal.published >= before
            signal.publish(transaction.meta.revision, isGapless ? transaction.changed : nil)
            doorbell.ring()
        }
        let authority = EmbeddedAuthority(
            identity: identity,
            owner: Self.makeOwner(),
            queue: queue,
            store: store,
            projections: projections
        )
        return ServiceStore(store: store, authority: authority) {
            while true {
                try await Task.sleep(for: .seconds(1))
                do {
                    try await authority.revokeExpiredLeases()
                } catch let error as StoreError {
                    Logger.current.warning("cannot end expired leases", error: error)
                }
            }
        }
    }

    // MARK: Files

    private func prepareDirectory() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StoreError(.unavailable, "create \(directory)", cause: Failure("\(error)"))
        }
        try AtomicFile.syncDirectory(of: directory)
        let type = clinux_file_system_type(directory)
        if let name = Self.networkFileSystems[UInt32(truncatingIfNeeded: type)] {
            throw StoreError(.unavailable, "\(directory) is on \(name): a store needs a local file system")
        }
    }

    /// SQLite gives its other files the mode of this one.
    ///
    /// The file must not be opened, as it would have to be closed: that ends the locks of all connections that this process has to it
    /// (fcntl(2)), and another process that closes the store would take itself for the last one and remove the write-ahead log.
    private func createFile() throws {
        guard mknod(path, S_IFREG | 0o600, 0) == 0 || errno == EEXIST else {
            throw StoreError(.unavailable, "create \(path)", cause: SystemError("create \(path)"))
        }
    }

    /// Magic numbers of statfs(2) for file systems that several hosts may mount, where SQLite's shared memory breaks.
    private static let networkFileSystems: [UInt32: String] = [
        0x0000_6969: "NFS", 0x0000_517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x0102_1997: "9P",
        0x5346_414F: "AFS", 0x7375_7245: "Coda", 0x0000_564C: "NCP", 0x00C3_6400: "Ceph", 0x0BD0_0BD0: "Lustre",
        0x0116_1970: "GFS2", 0x7461_636F: "OCFS2", 0x4750_4653: "GPFS",
    ]

    // MARK: Connections

    private func connection() throws -> DatabaseQueue {
        do {
            return try DatabaseQueue(path: path, configuration: configuration(isWriter: false))
        } catch {
            throw StoreError.wrapping(error, "open \(path)")
        }
    }

    private func configuration(isWriter: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        configuration.label = isWriter ? "store-writer" : "store-reader"
        let limit = options.busyTimeout
        configuration.busyMode = .callback { attempt in
            // Waits of random length, so that processes do not meet again; SQLite counts the attempts of one wait.
            let wait = Duration.microseconds(.random(in: 200...(attempt < 10 ? 1_000 : 10_000)))
            usleep(UInt32(wait.components.attoseconds / 1_000_000_000_000))
            return Duration.milliseconds(5) * attempt < limit
        }
        configuration.prepareDatabase { db in
            try db.execute(
                sql:
                    "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -\(isWriter ? 4_096 : 2_048)"
            )
            if !isWriter { try db.execute(sql: "PRAGMA query_only = ON") }
        }
        return configuration
    }

    /// Several processes may do this at once, and SQLite does not wait for the others here as it does elsewhere.
    private func switchToWriteAheadLog(_ db: Database) throws {
        let end = Deadline.after(options.busyTimeout)
        while true {
            do {
                guard try db.firstRow("PRAGMA journal_mode = WAL")?.text("journal_mode") == "wal" else {
                    throw StoreError(.unavailable, "\(path): the file system does not allow SQLite's write-ahead log")
                }
                return
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && !end.isPast {
                usleep(.random(in: 1_000...10_000))
            }
        }
    }

    /// Pages up to which the whole file is checked at every start; that takes a few milliseconds.
    private static let mostPagesToCheck: Int64 = 2_048

    /// Looks for damage where that is cheap; in larger files it is found when it is read.
    private func checkIntegrity(_ db: Database) throws {
        let pages = try db.firstRow("PRAGMA page_count")?.integer("page_count") ?? 0
        guard pages <= Self.mostPagesToCheck else { return }
        let finding = try db.firstRow("PRAGMA quick_check(1)")?.text("quick_check") ?? "nothing"
        guard finding == "ok" else { throw StoreError(.corrupted, "\(path) is damaged: \(finding)") }
    }

    /// Drops what a killed import left, its lock included, unless one is at work in another process.
    private func dropLeftovers(_ db: Database) throws {
        let holder = try db.firstRow(
            "SELECT owner, bootID, deadline FROM lock WHERE name = ?",
            [.text(Replacement.lock)]
        )
        if let holder, try !clock.isPast(holder.integer("deadline"), bootID: holder.text("bootID")),
            Self.mayLive(try holder.text("owner"))
        {
            return
        }
        try db.run("DELETE FROM lock WHERE name = ?", [.text(Replacement.lock)])
        try Replacement.dropLeftovers(db)
        try removeUnfinishedCopies()
    }

    /// A killed import leaves what it had copied of the content that it was to replace.
    private func removeUnfinishedCopies() throws {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
            throw StoreError(.unavailable, "look into \(directory)", cause: Failure("\(error)"))
        }
        for name in names where name.hasPrefix("\(EmbeddedAuthority.replacedContent).") && name.hasSuffix(".tmp") {
            guard unlink("\(directory)/\(name)") == 0 || errno == ENOENT else {
                throw StoreError(.unavailable, "clear up", cause: SystemError("remove \(directory)/\(name)"))
            }
        }
    }

    /// The name of an owner of locks: begins with the process, so that others see when that is no more.
    private static func makeOwner() -> String { "\(getpid())-\(UUID().uuidString.lowercased())" }

    /// Whether an owner of locks may be at work; should one be taken for dead that is not, its fence stops it.
    private static func mayLive(_ owner: String) -> Bool {
        guard let id = owner.split(separator: "-").first.flatMap({ pid_t($0) }), id > 0 else { return true }
        return kill(id, 0) == 0 || errno != ESRCH
    }

    /// Brings the file to the current schema and projections, in one transaction.
    private func prepare(_ db: Database) throws -> StoreIdentity {
        try switchToWriteAheadLog(db)
        try checkIntegrity(db)
        try db.beginTransaction(.immediate)
        do {
            try StoreSchema.prepare(db, path: path, creates: options.createsStore)
            try dropLeftovers(db)
            var meta = try Meta.read(db)
            if meta.projections != projections.signature {
                try projections.rebuild(db, stored: meta.projections)
                meta.projections = projections.signature
                try meta.write(db)
            }
            try db.commit()
            return StoreIdentity(meta)
        } catch {
            if db.isInsideTransaction { try db.rollback() }
            throw error
        }
    }
}
