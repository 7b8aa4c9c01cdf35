/// A held lock.
package struct LockHandle: Sendable, Hashable {
    /// The lock's name.
    package let name: String
    /// The revision of the acquisition: grows from holder to holder.
    package let fence: Revision
    /// The process that took it.
    package let owner: String

    /// Makes a handle from its parts.
    package init(name: String, fence: Revision, owner: String) {
        self.name = name
        self.fence = fence
        self.owner = owner
    }
}

/// A granted lease.
package struct LeaseHandle: Sendable, Hashable {
    /// The lease's number, never given twice.
    package let id: Int64

    /// Makes a handle from its number.
    package init(id: Int64) {
        self.id = id
    }
}
