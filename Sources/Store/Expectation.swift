/// A condition of a batch, checked in the same instant as the batch takes effect.
package enum Expectation: Sendable, Hashable, CustomStringConvertible {
    /// The live key is in the given state.
    case live(key: String, Presence)
    /// The record is in the given state.
    case record(type: String, id: String, Presence)
    /// The change group was not touched since revision `asOf`, when it was last touched at `seen` (nil: never, or forgotten).
    case group(String, seen: Revision?, asOf: Revision)
    /// The lock is still held under the handle's fence and its time has not run out.
    case fence(LockHandle)
    /// What the maintenance key must be; every batch expects it absent unless it says otherwise.
    case maintenance(MaintenanceExpectation)

    /// The expectation in words, for errors and logs.
    package var description: String {
        switch self {
        case .live(let key, let presence): "live key \(key) \(presence)"
        case .record(let type, let id, let presence): "record \(type) \(id) \(presence)"
        case .group(let name, _, let asOf): "change group \(name) unchanged since revision \(asOf)"
        case .fence(let handle): "lock \(handle.name) held with fence \(handle.fence)"
        case .maintenance(let expected): "maintenance \(expected)"
        }
    }
}

/// The expected state of a record or live key.
package enum Presence: Sendable, Hashable, CustomStringConvertible {
    /// It does not exist.
    case absent
    /// It exists, whatever its value.
    case present
    /// It exists and was last written by exactly this commit.
    case revision(Revision)

    /// The state in words.
    package var description: String {
        switch self {
        case .absent: "absent"
        case .present: "present"
        case .revision(let revision): "at revision \(revision)"
        }
    }
}

/// What a batch expects of the maintenance key.
package enum MaintenanceExpectation: String, Sendable, CustomStringConvertible {
    /// Not in maintenance: the default of every batch.
    case absent
    /// In maintenance: for an import.
    case present
    /// Either: only for toggling maintenance itself and for registering instances.
    case ignored

    /// The case's name.
    package var description: String { rawValue }
}
