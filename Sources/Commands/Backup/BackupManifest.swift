import Base
import FoundationEssentials

/// The first entry of a backup: what it is.
struct BackupManifest: Codable, Equatable, Sendable {
    /// By which backups are known.
    static let format = "martlet-backup"
    /// The version that is written, and the newest that is read.
    static let version = 1
    /// The most bytes that are read.
    static let limit: Int64 = 64 << 10

    /// ``format``.
    var format = BackupManifest.format
    /// ``version``.
    var version = BackupManifest.version
    /// Tells backups apart.
    let id: String
    /// When the backup was begun, in whole seconds.
    let created: Date
    /// The version of Martlet that it is of.
    let martlet: String

    /// Reads a manifest.
    /// - Throws: a sentence's ``Failure`` for what this program cannot read.
    init(reading bytes: [UInt8]) throws {
        let manifest = try JSONCoding.decode(BackupManifest.self, from: bytes)
        guard manifest.format == Self.format else { throw Failure("this is not a Martlet backup") }
        guard manifest.version <= Self.version else {
            throw Failure("the backup is of format \(manifest.version); this program reads up to \(Self.version)")
        }
        self = manifest
    }

    /// Describes a new backup.
    init(id: String, created: Date, martlet: String) {
        self.id = id
        self.created = created
        self.martlet = martlet
    }

    /// The time of every entry.
    var time: Int64 { Int64(created.timeIntervalSince1970) }
}
