import Base

/// What a request asks of the service, read from its path alone.
///
/// Nothing of a request's path reaches the file system or a command line except through this type: repositories by
/// ``RepositoryPath``, objects by full name, refs by git's own rules.
enum RepositoryRequest: Hashable, Sendable {
    /// The smart protocol's two services.
    enum Service: String, Sendable {
        /// Fetch and clone.
        case uploadPack = "git-upload-pack"
        /// Push.
        case receivePack = "git-receive-pack"

        /// The name of git's own command.
        var command: String { self == .uploadPack ? "upload-pack" : "receive-pack" }
    }

    /// How a commit is named.
    enum Revision: Hashable, Sendable {
        /// By its full name.
        case object(String)
        /// By the full name of a ref, or `HEAD`.
        case ref(String)
    }

    case create
    case list(RepositoryOwner)
    case deleteAll(RepositoryOwner)
    case delete(RepositoryPath)
    case advertise(RepositoryPath, Service)
    case exchange(RepositoryPath, Service)
    case file(RepositoryPath, commit: String, path: String)
    case firstFile(RepositoryPath, commit: String, paths: [String])
    case commit(RepositoryPath, Revision)
    case refs(RepositoryPath)
    case bind(RepositoryPath)
    case unbind(RepositoryPath, project: String)

    /// Reads a request.
    /// - Parameters:
    ///   - method: `GET`, `POST`, `PUT` or `DELETE`.
    ///   - path: the path as received, percent-encoded.
    ///   - service: the query's `service`.
    ///   - paths: the query's `path`s.
    /// - Throws: ``APIError``: `notExist` when there is no such route, `badRequest` when a part is malformed.
    init(method: String, path: String, service: String?, paths: [String] = []) throws {
        let raw = path.split(separator: "/", omittingEmptySubsequences: false)
        guard raw.count >= 2, raw[0].isEmpty, raw[1] == "repos" else { throw Self.noRoute }
        guard let parts = Self.decoded(raw.dropFirst(2)) else {
            throw APIError(.badRequest, code: "invalidPath", "The request's path is malformed.")
        }
        if parts.isEmpty, method == "POST" {
            self = .create
            return
        }
        if parts.count == 1, let owner = RepositoryOwner(parts[0]) {
            self = try Self.read(method, owner)
            return
        }
        guard parts.count >= 2, parts[1].hasSuffix(".git"),
            let repository = RepositoryPath(owner: parts[0], name: String(parts[1].dropLast(4)))
        else {
            throw APIError(
                .badRequest,
                code: "invalidRepositoryPath",
                "A repository's path is <owner>/<name>.git, or <user id>/<repository uuid>.git for direct runs."
            )
        }
        self = try Self.read(method, repository, parts.dropFirst(2).map(\.self), service, paths)
    }

    private static func read(_ method: String, _ owner: RepositoryOwner) throws -> RepositoryRequest {
        switch method {
        case "GET": .list(owner)
        case "DELETE": .deleteAll(owner)
        default: throw noRoute
        }
    }

    private static func read(
        _ method: String,
        _ repository: RepositoryPath,
        _ rest: [String],
        _ service: String?,
        _ paths: [String]
    ) throws -> RepositoryRequest {
        switch (method, rest.first, rest.count) {
        case ("DELETE", nil, _):
            return .delete(repository)
        case ("GET", "info", 2) where rest[1] == "refs":
            guard let service = service.flatMap(Service.init) else {
                let message =
                    "Only the smart HTTP protocol is spoken: service must be git-upload-pack or git-receive-pack."
                throw APIError(.badRequest, code: "invalidService", message)
            }
            return .advertise(repository, service)
        case ("POST", _, 1):
            guard let service = Service(rawValue: rest[0]) else { throw noRoute }
            return .exchange(repository, service)
        case ("GET", "refs", 1):
            return .refs(repository)
        case ("GET", "raw", 2):
            return try firstFile(repository, rest[1], paths)
        case ("GET", "raw", 3...):
            return try file(repository, rest[1], rest.dropFirst(2).joined(separator: "/"))
        case ("GET", "commit", 2...):
            return .commit(repository, try revision(rest.dropFirst().joined(separator: "/")))
        case ("PUT", "hook", 1):
            return .bind(repository)
        case ("DELETE", "hook", 2):
            return .unbind(repository, project: rest[1])
        default:
            throw noRoute
        }
    }

    private static func file(_ repository: RepositoryPath, _ commit: String, _ path: String) throws -> RepositoryRequest
    {
        try check(commit: commit)
        return .file(repository, commit: commit, path: path)
    }

    private static func check(commit: String) throws {
        guard ObjectName.isValid(commit) else {
            throw APIError(.badRequest, code: "invalidCommit", "A file is read at a commit's full name of 40 digits.")
        }
    }

    private static func firstFile(
        _ repository: RepositoryPath,
        _ commit: String,
        _ paths: [String]
    ) throws -> RepositoryRequest {
        try check(commit: commit)
        let segments = paths.flatMap { $0.split(separator: "/", omittingEmptySubsequences: false) }
        guard (1...mostPaths).contains(paths.count), segments.allSatisfy(isHonest) else {
            throw APIError(
                .badRequest,
                code: "invalidPath",
                "The parameter path is missing or malformed."
            )
        }
        return .firstFile(repository, commit: commit, paths: paths)
    }

    private static func revision(_ text: String) throws -> Revision {
        if ObjectName.isValid(text) { return .object(text) }
        guard text == "HEAD" || RefName.isValid(text) else {
            let message = "A commit is named by its 40 digits, HEAD, or the full name of a ref such as refs/heads/main."
            throw APIError(.badRequest, code: "invalidRef", message)
        }
        return .ref(text)
    }

    // A segment that is empty, a dot or two, or that hides a slash or a control character, has no honest use.
    private static func isHonest(_ segment: Substring) -> Bool {
        !segment.isEmpty && segment != "." && segment != ".."
            && segment.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
    }

    private static func decoded(_ parts: ArraySlice<Substring>) -> [String]? {
        var decoded: [String] = []
        for part in parts {
            guard let text = PercentEncoding.decode(part), isHonest(text[...]) else { return nil }
            decoded.append(text)
        }
        return decoded
    }

    private static let mostPaths = 32
    private static let noRoute = APIError(
        .notExist,
        code: "routeDoesNotExist",
        "The git server has no such route."
    )
}
