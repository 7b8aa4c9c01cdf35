import Base
import FoundationEssentials
import Model
import Store

/// A thing in an export of Agola v0.7; keys are Agola's.
protocol AgolaEntity: Decodable {
    var id: String { get }
}

extension AgolaEntity {
    /// Reads a record.
    /// - Throws: ``Failure`` or ``APIError`` for what is no such thing.
    static func read(_ record: ImportedRecord) throws -> Self {
        let value = try JSONCoding.decode(Self.self, from: record.data)
        guard value.id == record.id else {
            throw APIError(.badRequest, code: "invalidRecord", "\(record.type) \(record.id) holds another id")
        }
        return value
    }
}

/// Anything, of which only the id is read.
struct AgolaObject: AgolaEntity {
    let id: String
}

/// A user with the values of all tokens.
struct AgolaUser: AgolaEntity {
    let id: String
    let name: String
    let admin: Bool?
    let tokens: [String: SecretValue]?
    let linked_accounts: [String: AgolaObject]?
}

/// A project group, which lies in another one or is the root of a user or organization.
struct AgolaProjectGroup: AgolaEntity {
    struct Parent: Decodable {
        enum Kind: String, Decodable {
            case user, org, projectgroup
        }

        let type: Kind
        let id: String
    }

    let id: String
    let name: String?
    let parent: Parent
    let visibility: Visibility
}
