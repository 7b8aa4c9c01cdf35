import Base
import FoundationEssentials
import GitSources
import HTTPTransport
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import ServiceKit

/// `/repos/`: git over smart HTTP, for those who prove who they are, passed on to the git server.
///
/// People use their account's password or a token as the Basic password; runs use their own short-lived token, which reads one
/// repository. Writing is for the repository's owner alone.
struct RepositoryProxy: Sendable {
    let identity: Identity
    let credentials: CloneCredentials
    let git: LocalGitSource

    func add(to router: Router<GatewayContext>) {
        router.get("/repos/**") { request, _ in try await serve(request) }
        router.post("/repos/**") { request, _ in try await serve(request) }
    }

    private func serve(_ request: Request) async throws -> Response {
        let target = try RepositoryTarget(request)
        let user: User?
        switch try await authorize(request, target) {
        case .granted(let grantee): user = grantee
        case .unauthenticated: return Self.challenge
        }
        let reply = try await relay {
            try await git.forward(
                request.method,
                String(request.uri.path.dropFirst("/repos/".count)),
                query: request.query("service").map { [("service", $0)] } ?? [],
                headers: request.headers,
                body: Self.body(of: request),
                user: user?.id
            )
        }
        var headers: HTTPFields = [.cacheControl: "no-cache"]
        for name in [HTTPField.Name.contentType, .contentEncoding] { headers[name] = reply.headers[name] }
        return Response(status: .init(code: reply.status), headers: headers, body: .relaying(reply.body))
    }

    private enum Verdict {
        case granted(User?)
        case unauthenticated
    }

    private func authorize(_ request: Request, _ target: RepositoryTarget) async throws -> Verdict {
        guard let (name, secret) = BasicCredentials.parse(request.headers[.authorization]) else {
            return .unauthenticated
        }
        if name == CloneCredentials.userName, credentials.allows(secret, reading: target.repository) {
            guard !target.writes else { throw APIError(.forbidden, "A run may only read its repository.") }
            return .granted(nil)
        }
        guard let user = try await identity.user(name: name, secret: secret) else { return .unauthenticated }
        guard target.owner == user.name || target.owner == user.id.text || user.isAdmin else {
            throw APIError(.forbidden, "The repository \(target.repository) belongs to somebody else.")
        }
        return .granted(user)
    }

    private static var challenge: Response {
        Response(status: .unauthorized, headers: [.wwwAuthenticate: "Basic realm=\"Martlet\""])
    }

    private static func body(of request: Request) -> HTTPBody {
        guard request.method == .post else { return .none }
        let length = request.headers[.contentLength].flatMap { Int($0) }
        return .stream(length: length, request.body.map { Array(buffer: $0) })
    }
}

/// What a request below `/repos/` is for.
struct RepositoryTarget {
    /// The first part of the path.
    let owner: String
    /// `<owner>/<name>`, without `.git`.
    let repository: String
    /// Whether the request changes the repository.
    let writes: Bool

    /// Reads path and query.
    /// - Throws: ``APIError`` of kind `notExist` for anything but what git asks for.
    init(_ request: Request) throws {
        let parts = request.uri.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
            .map { PercentEncoding.decode($0) ?? "" }
        let refusal = APIError(.notExist, "There is nothing at this path for git.")
        guard parts.count >= 3, parts[1].hasSuffix(".git"), !parts.contains(where: { $0.isEmpty || $0 == ".." }) else {
            throw refusal
        }
        owner = parts[0]
        repository = "\(parts[0])/\(parts[1].dropLast(4))"
        let service = request.query("service")
        switch (request.method, parts[2...].joined(separator: "/")) {
        case (.get, "info/refs") where service == "git-upload-pack": writes = false
        case (.get, "info/refs") where service == "git-receive-pack": writes = true
        case (.post, "git-upload-pack"): writes = false
        case (.post, "git-receive-pack"): writes = true
        case (.get, _) where parts[2] == "raw" && parts.count >= 5: writes = false
        default: throw refusal
        }
    }
}

/// HTTP Basic credentials (RFC 7617).
enum BasicCredentials {
    /// Name and password; nil when the header is absent, of another scheme or malformed.
    static func parse(_ header: String?) -> (name: String, secret: String)? {
        guard let header, header.utf8.count <= 4_096 else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic", let data = Data(base64Encoded: String(parts[1])),
            let text = String(validating: data, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
}
