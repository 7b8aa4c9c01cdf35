/// Whose repositories are meant; a value exists only for names that are safe to use as a directory's.
struct RepositoryOwner: Hashable, Sendable, CustomStringConvertible {
    /// What the owner's repositories are for.
    let kind: RepositoryPath.Kind
    /// The owner's name for hosted repositories, the user's id for those of direct runs.
    let name: String

    /// Takes a name or a user's id; nil unless it is well formed.
    init?(_ name: String) {
        if RepositoryPath.isUUID(name) {
            kind = .direct
        } else if RepositoryPath.isOwnerName(name) {
            kind = .hosted
        } else {
            return nil
        }
        self.name = name
    }

    /// The name.
    var description: String { name }
}
