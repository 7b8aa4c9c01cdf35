import Base
import FoundationEssentials
import Hummingbird
import Model
import ServiceKit

/// The paging of a list: `limit`, `sortdirection` and the opaque cursor of the page before.
struct Paging {
    /// The longest page.
    static let maximum = 30

    let limit: Int
    let isAscending: Bool
    let cursor: ListCursor?

    /// Reads the query.
    /// - Throws: ``APIError`` with code `invalidLimit` or `invalidSortDirection`, or of kind `badRequest` for a cursor that is not ours or
    ///   stands beside what it fixes.
    init(_ request: Request, ascendingByDefault: Bool, fixedByCursor: [String] = []) throws {
        limit = try Self.limit(request)
        guard let text = request.query("cursor"), !text.isEmpty else {
            cursor = nil
            isAscending = try Self.direction(request, default: ascendingByDefault)
            return
        }
        for name in ["sortdirection"] + fixedByCursor where request.query(name) != nil {
            throw APIError(.badRequest, "The cursor fixes \(name); leave one of them out.")
        }
        let cursor = try ListCursor(text)
        self.cursor = cursor
        isAscending = cursor.sortDirection == .ascending
    }

    private static func limit(_ request: Request) throws -> Int {
        guard let limit = try request.integer("limit", code: "invalidLimit") else { return maximum }
        guard limit >= 0 else { throw APIError(.badRequest, code: "invalidLimit", "The limit must not be negative.") }
        return min(Int(limit), maximum)
    }

    private static func direction(_ request: Request, default ascending: Bool) throws -> Bool {
        guard let text = request.query("sortdirection"), !text.isEmpty else { return ascending }
        guard let direction = ListCursor.Direction(rawValue: text) else {
            throw APIError(.badRequest, code: "invalidSortDirection", "The sort direction is asc or desc.")
        }
        return direction == .ascending
    }
}

/// Where the next page of a list begins, with what it has to keep: base64 of JSON, opaque to clients.
struct ListCursor: Codable {
    enum Direction: String, Codable {
        case ascending = "asc"
        case descending = "desc"
    }

    var sortDirection: Direction
    var start: String?
    var startRunCounter: Int64?
    var subGroup: String?
    var phaseFilter: [String]?
    var resultFilter: [String]?

    init(isAscending: Bool) {
        sortDirection = isAscending ? .ascending : .descending
    }

    init(_ text: String) throws {
        guard let data = Data(base64Encoded: text) else { throw Self.refusal }
        do {
            self = try JSONCoding.decode(Self.self, from: data)
        } catch {
            throw Self.refusal
        }
    }

    /// The text for the header.
    var text: String {
        get throws { try JSONCoding.encode(self).base64EncodedString() }
    }

    private static var refusal: APIError {
        APIError(.badRequest, code: "invalidCursor", "The cursor is not one that this server gave out.")
    }
}
