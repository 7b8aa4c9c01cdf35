import Base
import FoundationEssentials
import GRDB
import Glibc

/// A store's file as SQLite sees it, whatever the store makes of it.
struct StoreFile: Sendable {
    private let queue: DatabaseQueue

    /// Opens a copy of the file in `directory`, made in one read transaction, whoever writes to it meanwhile.
    init(copying source: String, to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = "\(directory)/store.sqlite"
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.readonly = true
        // A copy cannot be made inside of another transaction.
        configuration.allowsUnsafeTransactions = true
        let original = try Self.open("\(source)/store.sqlite", configuration)
        try original.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
        queue = try DatabaseQueue(path: path)
    }

    /// Opens the file in a directory that nobody else uses any more.
    init(directory: String) throws {
        queue = try Self.open("\(directory)/store.sqlite")
    }

    /// SQLite does not wait for somebody who is just closing the file.
    private static func open(
        _ path: String,
        _ configuration: Configuration = Configuration()
    ) throws -> DatabaseQueue {
        let end = Deadline.after(.seconds(30))
        while true {
            do {
                return try DatabaseQueue(path: path, configuration: configuration)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && !end.isPast {
                usleep(10_000)
            }
        }
    }

    /// The rows of a query, each value as text.
    func rows(_ sql: String) throws -> [[String]] {
        try queue.read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                row.databaseValues.map { value in
                    switch value.storage {
                    case .null: "NULL"
                    case .int64(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .string(let text): text
                    case .blob(let data): String(decoding: data, as: UTF8.self)
                    }
                }
            }
        }
    }

    /// The rows of a query of numbers.
    func numbers(_ sql: String) throws -> [[Int64]] {
        try rows(sql).map { $0.map { Int64($0) ?? .min } }
    }

    func execute(_ sql: String) throws {
        try queue.write { try $0.execute(sql: sql) }
    }

    func close() throws {
        try queue.close()
    }
}
