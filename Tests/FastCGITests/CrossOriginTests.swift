import HTTPTypes
import Hummingbird
import TestSupport
import Testing

/// CORS: on gateway routes alone, for configured origins alone.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct CrossOriginTests {
    private static let allowed = "https://ui.example.org"
    private static let paths = ["/api/thing", "/webhooks", "/api/x/logs", "/api/x/events", "/repos/a/b.git/info/refs"]

    private static func site<Value: Sendable>(
        origins: [String] = [allowed, "http://127.0.0.1:5173"],
        _ body: @escaping @Sendable (TestSite) async throws -> Value
    ) async throws -> Value {
        let router = Router(context: TestContext.self)
        for path in ["api/thing", "webhooks", "api/x/logs", "api/x/events", "repos/a/b.git/info/refs"] {
            router.get(RouterPath(path)) { _, _ in "handled" }
        }
        return try await TestSite.run(router.buildResponder(), origins: origins, body)
    }

    private static func corsFields(_ headers: HTTPFields) -> [String] {
        headers.filter { $0.name.canonicalName.hasPrefix("access-control-") }.map { $0.name.canonicalName }.sorted()
    }

    @Test("an allowed origin may read every gateway answer, with credentials", arguments: paths)
    func allowedOrigin(path: String) async throws {
        let reply = try await Self.site { try await $0.call(path: path, headers: [.origin: Self.allowed]) }
        #expect(reply.body == "handled")
        #expect(reply.headers[values: .accessControlAllowOrigin] == [Self.allowed])
        #expect(reply.headers[values: .accessControlAllowCredentials] == ["true"])
        #expect(reply.headers[values: .accessControlExposeHeaders] == ["X-Csrf-Token, X-Agola-Cursor"])
        #expect(reply.headers[values: .vary] == ["Origin"])
    }

    @Test("errors can be read, too", arguments: ["/api/none"])
    func errors(path: String) async throws {
        let reply = try await Self.site { try await $0.call(path: path, headers: [.origin: Self.allowed]) }
        #expect(reply.status == 404)
        #expect(reply.headers[.accessControlAllowOrigin] == Self.allowed)
    }

    @Test("the scheme's own port is the same origin")
    func defaultPort() async throws {
        let reply = try await Self.site {
            try await $0.call(path: "/api/thing", headers: [.origin: "https://ui.example.org:443"])
        }
        #expect(reply.headers[.accessControlAllowOrigin] == "https://ui.example.org:443")
    }

    @Test(
        "another origin, or none, gets the answer without CORS headers",
        arguments: [
            "https://evil.example.org", "http://ui.example.org", "https://ui.example.org.evil.org", "null", "*", "",
            "https://ui.example.org/",
        ]
    )
    func otherOrigin(origin: String) async throws {
        let reply = try await Self.site { try await $0.call(path: "/api/thing", headers: [.origin: origin]) }
        #expect(reply.body == "handled")
        #expect(Self.corsFields(reply.headers).isEmpty)
    }

    @Test("a preflight request is answered by nginx", arguments: paths, ["PUT", "DELETE", "POST"])
    func preflight(path: String, method: String) async throws {
        let reply = try await Self.site {
            try await $0.call(
                .options,
                path: path,
                headers: [
                    .origin: Self.allowed, .accessControlRequestMethod: method,
                    .accessControlRequestHeaders: "x-csrf-token",
                ]
            )
        }
        #expect(reply.status == 204)
        #expect(reply.headers[.accessControlAllowOrigin] == Self.allowed)
        #expect(reply.headers[.accessControlAllowCredentials] == "true")
        #expect(reply.headers[.accessControlAllowMethods] == "GET, HEAD, POST, PUT, DELETE")
        let names = reply.headers[.accessControlAllowHeaders]?.lowercased() ?? ""
        #expect(names.contains("x-csrf-token") && names.contains("authorization") && !names.contains("*"))
    }

    @Test(
        "a preflight request of another origin or for another method is no preflight",
        arguments: [
            ("https://evil.example.org", "PUT"), (allowed, "TRACE"), (allowed, "PATCH"), (allowed, ""),
            (allowed, "PUT GET"),
        ]
    )
    func refusedPreflight(origin: String, method: String) async throws {
        let reply = try await Self.site {
            try await $0.call(
                .options,
                path: "/api/thing",
                headers: [.origin: origin, .accessControlRequestMethod: method]
            )
        }
        #expect(reply.status == 404)
        #expect(reply.headers[.accessControlAllowMethods] == nil)
    }

    @Test("static files have no CORS headers", arguments: ["/", "/org/acme", "/index.html"])
    func staticFiles(path: String) async throws {
        let reply = try await Self.site { try await $0.call(path: path, headers: [.origin: Self.allowed]) }
        #expect(Self.corsFields(reply.headers).isEmpty)
        #expect(reply.headers[.vary] == nil)
    }

    @Test("without configured origins there is no CORS at all", arguments: paths)
    func offByDefault(path: String) async throws {
        try await Self.site(origins: []) { site in
            for origin in [Self.allowed, "null", ""] {
                let reply = try await site.call(path: path, headers: [.origin: origin])
                #expect(Self.corsFields(reply.headers).isEmpty)
                #expect(reply.headers[.vary] == nil)
                let preflight = try await site.call(
                    .options,
                    path: path,
                    headers: [
                        .origin: origin, .accessControlRequestMethod: "PUT",
                    ]
                )
                #expect(preflight.status == 404)
                #expect(Self.corsFields(preflight.headers).isEmpty)
            }
        }
    }
}
