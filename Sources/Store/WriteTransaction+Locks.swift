import GRDB

extension WriteTransaction {
    /// Takes a lock that is free or whose time has run out; the new fence is the revision of the acquisition.
    /// - Throws: ``StoreError`` of kind locked.
    func acquire(lock name: String, ttl: Duration, owner: String) throws -> LockHandle {
        if let row = try db.firstRow("SELECT owner, bootID, deadline FROM lock WHERE name = ?", [.text(name)]),
            try !clock.isPast(row.integer("deadline"), bootID: row.text("bootID"))
        {
            throw StoreError(.locked, "lock \(name) is held by \(try row.text("owner"))")
        }
        let handle = LockHandle(name: name, fence: nextRevision(), owner: owner)
        try db.run(
            "INSERT OR REPLACE INTO lock VALUES (?, ?, ?, ?, ?)",
            [
                .text(name), .integer(handle.fence), .text(owner), .text(clock.bootID),
                .integer(clock.deadline(after: ttl)),
            ]
        )
        return handle
    }

    func renew(_ handle: LockHandle, ttl: Duration) throws {
        guard try isHeld(handle) else { throw StoreError.unmet(.fence(handle)) }
        touch()
        try db.run(
            "UPDATE lock SET deadline = ? WHERE name = ?",
            [.integer(clock.deadline(after: ttl)), .text(handle.name)]
        )
    }

    func release(_ handle: LockHandle) throws {
        touch()
        try db.run(
            "DELETE FROM lock WHERE name = ? AND fence = ? AND owner = ?",
            [.text(handle.name), .integer(handle.fence), .text(handle.owner)]
        )
    }

    /// Whether the handle is the current holder's and its time has not run out.
    func isHeld(_ handle: LockHandle) throws -> Bool {
        let row = try db.firstRow(
            "SELECT fence, owner, bootID, deadline FROM lock WHERE name = ?",
            [.text(handle.name)]
        )
        guard let row, try row.integer("fence") == handle.fence, try row.text("owner") == handle.owner else {
            return false
        }
        return try !clock.isPast(row.integer("deadline"), bootID: row.text("bootID"))
    }
}

// MARK: - Leases

extension WriteTransaction {
    func grantLease(ttl: Duration, owner: String) throws -> LeaseHandle {
        let lease = LeaseHandle(id: nextLease())
        try db.run(
            "INSERT INTO lease VALUES (?, ?, ?, ?)",
            [.integer(lease.id), .text(owner), .text(clock.bootID), .integer(clock.deadline(after: ttl))]
        )
        return lease
    }

    func renew(_ lease: LeaseHandle, ttl: Duration) throws {
        guard try isAlive(lease) else { throw StoreError(.conflict, "lease \(lease.id) has ended") }
        touch()
        try db.run(
            "UPDATE lease SET deadline = ? WHERE id = ?",
            [.integer(clock.deadline(after: ttl)), .integer(lease.id)]
        )
    }

    func isAlive(_ lease: LeaseHandle) throws -> Bool {
        let row = try db.firstRow("SELECT bootID, deadline FROM lease WHERE id = ?", [.integer(lease.id)])
        guard let row else { return false }
        return try !clock.isPast(row.integer("deadline"), bootID: row.text("bootID"))
    }

    /// Ends a lease and deletes its keys, as a commit of its own.
    func revoke(_ lease: LeaseHandle) throws {
        let keys = try db.rows("SELECT key FROM live WHERE lease = ?", [.integer(lease.id)])
        if keys.isEmpty { touch() } else { _ = nextRevision() }
        for row in keys { try deleteLive(row.text("key")) }
        try db.run("DELETE FROM lease WHERE id = ?", [.integer(lease.id)])
    }

    /// Ends every lease whose time has run out.
    func revokeExpired() throws {
        for row in try db.rows("SELECT id, bootID, deadline FROM lease")
        where try clock.isPast(row.integer("deadline"), bootID: row.text("bootID")) {
            try revoke(LeaseHandle(id: row.integer("id")))
        }
    }
}
