import Base
import FoundationEssentials
import GRDB
import Glibc

extension LocalStore {
    /// Copies the whole store, live keys and events included, into one file while others read and write.
    ///
    /// The copy shows one moment, is compact, and opens as a store when it is named `store.sqlite` in a directory of its own. It has
    /// mode 0600 and appears whole.
    /// - Throws: ``StoreError`` of kind unavailable; nothing is left at `path` then.
    @concurrent package func copy(to path: String) async throws {
        let source = "\(directory)/store.sqlite"
        try await BlockingPool.shared.run {
            let draft = "\(path).\(HexText.random(bytes: 8)).tmp"
            do {
                defer { unlink(draft) }
                try Self.write(source, to: draft)
                guard rename(draft, path) == 0 else { throw SystemError("rename \(draft)") }
                try AtomicFile.syncDirectory(of: path)
            } catch {
                throw StoreError(.unavailable, "copy \(source) to \(path)", cause: error)
            }
        }
    }

    private static func write(_ source: String, to draft: String) throws {
        // SQLite writes into the empty file that it finds, which so has its mode from the start.
        let descriptor = Glibc.open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(draft)") }
        defer { close(descriptor) }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(30)
        try attempt("copy the database") {
            let queue = try DatabaseQueue(path: source, configuration: configuration)
            try queue.inDatabase { db in try db.execute(sql: "VACUUM INTO ?", arguments: [draft]) }
        }
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(draft)") }
    }
}
