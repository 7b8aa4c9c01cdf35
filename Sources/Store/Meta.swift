import GRDB

/// The one row that describes the whole store; every commit reads and writes it.
struct Meta: Equatable {
    var storeID: String
    var epoch: Int64
    var generation: Int64
    var revision: Revision
    /// Changes up to here are no longer in the feed.
    var feedFloor: Revision
    /// Groups last touched up to here are forgotten.
    var groupFloor: Revision
    /// Names and versions of the projections, as ``ProjectionSet`` writes them.
    var projections: String
    /// Counts leases.
    var lastLease: Int64

    /// Reads the row.
    static func read(_ db: Database) throws -> Meta {
        guard let row = try db.firstRow("SELECT * FROM meta") else {
            throw StoreError(.corrupted, "the store has no meta row")
        }
        return try Meta(
            storeID: row.text("storeID"),
            epoch: row.integer("epoch"),
            generation: row.integer("generation"),
            revision: row.integer("revision"),
            feedFloor: row.integer("feedFloor"),
            groupFloor: row.integer("groupFloor"),
            projections: row.text("projections"),
            lastLease: row.integer("lastLease")
        )
    }

    /// Writes what changes from commit to commit.
    func write(_ db: Database) throws {
        try db.run(
            "UPDATE meta SET epoch = ?, generation = ?, revision = ?, feedFloor = ?, groupFloor = ?, projections = ?, lastLease = ?",
            [
                .integer(epoch), .integer(generation), .integer(revision), .integer(feedFloor), .integer(groupFloor),
                .text(projections), .integer(lastLease),
            ]
        )
    }
}
