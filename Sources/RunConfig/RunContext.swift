/// What kind of git reference a run builds.
package enum RefType: String, Sendable, Hashable, CaseIterable, Codable {
    /// A branch.
    case branch
    /// A tag.
    case tag
    /// A pull or merge request.
    case pullRequest = "pull_request"
}

/// The commit a pipeline file is evaluated for; what does not apply is empty.
package struct RunContext: Sendable, Hashable {
    /// The kind of the reference.
    package var refType: RefType
    /// The full reference, such as `refs/heads/main`.
    package var ref: String
    /// The branch's name.
    package var branch: String
    /// The tag's name.
    package var tag: String
    /// The pull request's id.
    package var pullRequestID: String
    /// The commit.
    package var commitSHA: String

    /// Makes a context from its parts.
    package init(
        refType: RefType,
        ref: String,
        branch: String = "",
        tag: String = "",
        pullRequestID: String = "",
        commitSHA: String
    ) {
        self.refType = refType
        self.ref = ref
        self.branch = branch
        self.tag = tag
        self.pullRequestID = pullRequestID
        self.commitSHA = commitSHA
    }

    /// The context of a branch's commit.
    package static func branch(_ name: String, commitSHA: String) -> Self {
        Self(refType: .branch, ref: "refs/heads/\(name)", branch: name, commitSHA: commitSHA)
    }

    /// The context of a tag's commit.
    package static func tag(_ name: String, commitSHA: String) -> Self {
        Self(refType: .tag, ref: "refs/tags/\(name)", tag: name, commitSHA: commitSHA)
    }

    /// The context of a pull request's commit.
    package static func pullRequest(_ id: String, ref: String, commitSHA: String) -> Self {
        Self(refType: .pullRequest, ref: ref, pullRequestID: id, commitSHA: commitSHA)
    }
}
