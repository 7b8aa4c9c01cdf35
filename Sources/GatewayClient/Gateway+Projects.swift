import Base
import HTTPTypes

extension Gateway {
    /// A project.
    public struct Project: Codable, Sendable, Equatable {
        /// The identity.
        public var id: String
        /// The name within its parent.
        public var name: String
        /// The path by names: `user/<name>/<project>`.
        public var path: String
        /// The path of the group it lies in.
        public var parentPath: String
        /// `public` or `private`, as it was set.
        public var visibility: String
        /// `public` or `private`, with everything above it considered.
        public var globalVisibility: String
        /// The branch shown first.
        public var defaultBranch: String?

        private enum CodingKeys: String, CodingKey {
            case id, name, path, visibility
            case parentPath = "parent_path"
            case globalVisibility = "global_visibility"
            case defaultBranch = "default_branch"
        }
    }

    /// What a new project shall be.
    public struct ProjectCreation: Codable, Sendable, Equatable {
        /// The name.
        public var name: String
        /// The group to lie in, by path or id; the caller's own when nil.
        public var parent: String?
        /// `public` or `private`.
        public var visibility: String
        /// The repository at the remote source: `<owner>/<name>`.
        public var repositoryPath: String
        /// The remote source's name.
        public var remoteSource: String
        /// Whether host keys are not checked when cloning over ssh.
        public var skipsSSHHostKeyCheck = false
        /// Whether runs of pull requests from forks get variables.
        public var passesVariablesToForkedPullRequests = false

        private enum CodingKeys: String, CodingKey {
            case name, visibility
            case parent = "parent_ref"
            case repositoryPath = "repo_path"
            case remoteSource = "remote_source_name"
            case skipsSSHHostKeyCheck = "skip_ssh_host_key_check"
            case passesVariablesToForkedPullRequests = "pass_vars_to_forked_pr"
        }

        /// Describes a project with the usual settings.
        public init(
            name: String,
            parent: String? = nil,
            visibility: String = "public",
            repositoryPath: String,
            remoteSource: String = "local"
        ) {
            self.name = name
            self.parent = parent
            self.visibility = visibility
            self.repositoryPath = repositoryPath
            self.remoteSource = remoteSource
        }
    }

    /// Creates a project.
    /// - Throws: ``Refusal`` in the chain.
    public func createProject(_ creation: ProjectCreation) async throws -> Project {
        try await send(.post, "/projects", creation)
    }

    /// A project by path or id.
    /// - Throws: ``Refusal`` in the chain.
    public func project(_ reference: String) async throws -> Project {
        try await get("/projects/\(PercentEncoding.segment(reference))")
    }

    /// The projects that lie directly in a group, by path or id.
    /// - Throws: ``Refusal`` in the chain.
    public func projects(in group: String) async throws -> [Project] {
        try await get("/projectgroups/\(PercentEncoding.segment(group))/projects")
    }
}
