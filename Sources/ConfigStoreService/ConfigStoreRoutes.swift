import Base
import Hummingbird
import Model
import ServiceKit

/// The configstore's routes: decode, call, encode.
struct ConfigStoreRoutes: Sendable {
    let config: ConfigStore

    /// Adds the routes below `/api/v1alpha`.
    func add(to router: RouterGroup<ServiceContext>) {
        let api = router.group("api/v1alpha")
        addUsers(to: api)
        addTokens(to: api)
        addProjectGroups(to: api)
        addProjects(to: api)
        addRemoteSources(to: api)
    }

    private func addUsers(to api: RouterGroup<ServiceContext>) {
        api.post("users") { request, _ in
            try Response.json(try await config.create(request.json(UserCreation.self)), status: .created)
        }
        api.get("users") { request, _ in
            try Response.json(try await config.users(Self.userQuery(request)))
        }
        api.get("users/:user") { _, context in
            try Response.json(try await config.user(context.pathVariable("user")))
        }
        api.delete("users/:user") { _, context in
            try await config.deleteUser(context.pathVariable("user"))
            return Response.empty()
        }
        api.put("users/:user/password") { request, context in
            let change = try await request.json(PasswordChange.self)
            try await config.setPassword(change.password, ofUser: context.pathVariable("user"))
            return Response.empty()
        }
        api.post("authentication/password") { request, _ in
            try Response.json(try await config.verify(request.json(PasswordCheck.self)))
        }
        api.post("authentication/token") { request, _ in
            try Response.json(try await config.user(forToken: request.json(TokenCheck.self).value))
        }
    }

    private func addTokens(to api: RouterGroup<ServiceContext>) {
        api.get("users/:user/tokens") { _, context in
            try Response.json(try await config.tokens(ofUser: context.pathVariable("user")))
        }
        api.post("users/:user/tokens") { request, context in
            let creation = try await request.json(UserTokenCreation.self)
            let user = try context.pathVariable("user")
            return try Response.json(try await config.createToken(creation, forUser: user), status: .created)
        }
        api.delete("users/:user/tokens/:token") { _, context in
            try await config.deleteToken(named: context.pathVariable("token"), ofUser: context.pathVariable("user"))
            return Response.empty()
        }
    }

    private func addProjectGroups(to api: RouterGroup<ServiceContext>) {
        api.post("projectgroups") { request, _ in
            try Response.json(
                try await config.create(Self.body(of: request, ProjectGroupCreation.self)),
                status: .created
            )
        }
        api.get("projectgroups/:group") { _, context in
            try Response.json(try await config.projectGroup(context.pathVariable("group")))
        }
        api.put("projectgroups/:group") { request, context in
            let update = try await Self.body(of: request, ProjectGroupUpdate.self)
            return try Response.json(try await config.update(projectGroup: context.pathVariable("group"), update))
        }
        api.delete("projectgroups/:group") { _, context in
            try await config.deleteProjectGroup(context.pathVariable("group"))
            return Response.empty()
        }
        api.get("projectgroups/:group/subgroups") { _, context in
            try Response.json(try await config.subgroups(of: context.pathVariable("group")))
        }
        api.get("projectgroups/:group/projects") { _, context in
            try Response.json(try await config.projects(of: context.pathVariable("group")))
        }
    }

    private func addProjects(to api: RouterGroup<ServiceContext>) {
        api.post("projects") { request, _ in
            try Response.json(try await config.create(Self.body(of: request, ProjectCreation.self)), status: .created)
        }
        api.get("projects/:project") { _, context in
            try Response.json(try await config.project(context.pathVariable("project")))
        }
        api.put("projects/:project") { request, context in
            let update = try await Self.body(of: request, ProjectUpdate.self)
            return try Response.json(try await config.update(project: context.pathVariable("project"), update))
        }
        api.delete("projects/:project") { _, context in
            try await config.deleteProject(context.pathVariable("project"))
            return Response.empty()
        }
    }

    private func addRemoteSources(to api: RouterGroup<ServiceContext>) {
        api.get("remotesources") { _, _ in
            try Response.json(try await config.remoteSources())
        }
        api.get("remotesources/:source") { _, context in
            try Response.json(try await config.remoteSource(context.pathVariable("source")))
        }
    }

    private static func userQuery(_ request: Request) throws -> UserQuery {
        let limit = try request.integer("limit", code: "invalidLimit") ?? 0
        let direction = request.query("sortdirection") ?? "asc"
        guard ["asc", "desc"].contains(direction) else {
            throw APIError(.badRequest, code: "invalidSortDirection", "The sort direction is asc or desc.")
        }
        return UserQuery(after: request.query("after"), limit: Int(limit), ascending: direction == "asc")
    }

    // A wrong visibility has a code of its own in the public contract.
    private static func body<Value: Decodable>(of request: Request, _ type: Value.Type) async throws -> Value {
        do {
            return try await request.json(type)
        } catch {
            guard case .dataCorrupted(let context) = ErrorChain(error).first(DecodingError.self),
                context.codingPath.last?.stringValue == "visibility"
            else { throw error }
            throw APIError(.badRequest, code: "invalidVisibility", "The visibility is public or private.", cause: error)
        }
    }
}
