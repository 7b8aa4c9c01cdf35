import Base

/// Why a file is not a whole backup, and where.
struct BackupDamage: CausedError, Equatable {
    /// The entry that is damaged; nil before the first one.
    let entry: String?
    /// The byte of the file at which that was found.
    let byte: Int64
    /// What is wrong there.
    let reason: String

    /// A file has no cause but itself.
    var cause: (any Error)? { nil }

    /// The place is the file's.
    var site: Site? { nil }

    /// Entry, byte and reason.
    var linkMessage: String {
        "\(entry.map { "entry \($0), " } ?? "")byte \(byte): \(reason)"
    }
}
