/// What a reader saw of some change groups, to be expected unchanged by the batch it then builds.
///
/// Optimistic concurrency for checks that span many keys: "no other project of this name" cannot be expected of one key, but
/// every batch that creates such a project touches the same group. Take the token in the transaction that does the check.
package struct UpdateToken: Sendable, Equatable {
    /// The revision of the snapshot.
    package let asOf: Revision
    /// When each group was last touched; nil when never, or so long ago that it is forgotten.
    package let revisions: [String: Revision?]

    /// Makes a token from its parts.
    package init(asOf: Revision, revisions: [String: Revision?]) {
        self.asOf = asOf
        self.revisions = revisions
    }
}
