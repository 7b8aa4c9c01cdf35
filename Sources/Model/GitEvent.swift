public import Base
public import FoundationEssentials

/// A push to a repository that Martlet hosts: the body of the webhook that announces it.
public struct GitEvent: Codable, Sendable, Equatable {
    /// What happened.
    public enum Kind: String, Codable, Sendable {
        /// A branch or tag was created or moved.
        case push
    }

    /// Who made a commit.
    public struct Person: Codable, Sendable, Equatable {
        /// The name.
        public var name: String
        /// The e-mail address; possibly empty.
        public var email: String

        /// Makes a person.
        public init(name: String, email: String) {
            self.name = name
            self.email = email
        }
    }

    /// What happened.
    public var kind: Kind
    /// The repository: `<owner>/<name>`.
    public var repositoryPath: String
    /// The full name of the branch or tag: `refs/heads/…` or `refs/tags/…`.
    public var ref: String
    /// The object the ref named before; nil for a new ref.
    public var old: String?
    /// The object the ref names now; of an annotated tag, the tag itself.
    public var new: String
    /// The commit behind `new`.
    public var commit: String
    /// The commit's message, cut after 64 KiB.
    public var message: String
    /// The commit's author.
    public var author: Person
    /// Who pushed.
    public var pusher: UserID?
    /// When the push was received.
    public var pushedAt: Date

    /// Makes an event.
    public init(
        kind: Kind = .push,
        repositoryPath: String,
        ref: String,
        old: String?,
        new: String,
        commit: String,
        message: String,
        author: Person,
        pusher: UserID?,
        pushedAt: Date
    ) {
        self.kind = kind
        self.repositoryPath = repositoryPath
        self.ref = ref
        self.old = old
        self.new = new
        self.commit = commit
        self.message = message
        self.author = author
        self.pusher = pusher
        self.pushedAt = pushedAt
    }

    /// The two ends of the change, as forges name them: `<old>..<new>`; the new end alone for a new ref.
    public var compare: String {
        old.map { "\($0)..\(new)" } ?? new
    }
}

/// A commit, as the git server describes it.
public struct GitCommit: Codable, Sendable, Equatable {
    /// The commit's full name.
    public var sha: String
    /// The message, cut after 64 KiB.
    public var message: String
    /// Who made it.
    public var author: GitEvent.Person

    /// Makes a commit.
    public init(sha: String, message: String, author: GitEvent.Person) {
        self.sha = sha
        self.message = message
        self.author = author
    }
}

/// A ref and what it names.
public struct GitRef: Codable, Sendable, Equatable {
    /// The full name, such as `refs/heads/main`.
    public var name: String
    /// The object it names.
    public var sha: String

    /// Makes a ref.
    public init(name: String, sha: String) {
        self.name = name
        self.sha = sha
    }
}

/// A request for a repository that Martlet hosts.
public struct GitRepositoryCreation: Codable, Sendable, Equatable {
    /// The owner's name.
    public var owner: String
    /// The repository's name, without `.git`.
    public var name: String
    /// The branch that `HEAD` names.
    public var defaultBranch: String

    /// Makes a request.
    public init(owner: String, name: String, defaultBranch: String = "main") {
        self.owner = owner
        self.name = name
        self.defaultBranch = defaultBranch
    }
}

/// A request to announce a repository's pushes to a project.
public struct GitHookBinding: Codable, Sendable, Equatable {
    /// The project.
    public var projectID: ProjectID
    /// Signs what is sent.
    public var secret: SecretValue

    /// Makes a request.
    public init(projectID: ProjectID, secret: SecretValue) {
        self.projectID = projectID
        self.secret = secret
    }
}
