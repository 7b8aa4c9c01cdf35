import HTTPTypes
import Hummingbird
import TestSupport
import Testing

/// What nginx serves by itself.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct StaticFileTests {
    private static let files = [
        "index.html": "<!doctype html><title>shell</title>",
        "css/base.css": "@layer base;",
        "js/app.js": "export {}",
        "icons.svg": "<svg/>",
        "v1/mark.svg": "<svg/>",
        "tests/index.html": "tests",
    ]

    private static func site<Value: Sendable>(
        includesTests: Bool = false,
        _ body: @escaping @Sendable (TestSite) async throws -> Value
    ) async throws -> Value {
        let router = Router(context: TestContext.self)
        router.get("api/uncached") { _, _ in "fresh" }
        return try await TestSite.run(router.buildResponder(), includesTests: includesTests, files: files, body)
    }

    @Test(
        "files have their type and are asked for again each time",
        arguments: [
            ("/", "text/html; charset=utf-8"), ("/css/base.css", "text/css; charset=utf-8"),
            ("/js/app.js", "text/javascript; charset=utf-8"), ("/icons.svg", "image/svg+xml"),
        ]
    )
    func types(path: String, type: String) async throws {
        try await Self.site { site in
            let reply = try await site.call(path: path)
            #expect(reply.status == 200)
            #expect(reply.headers[.contentType] == type)
            #expect(reply.headers[values: .cacheControl] == ["no-cache"])
            let tag = try #require(reply.headers[.eTag])
            let again = try await site.call(path: path, headers: [.ifNoneMatch: tag])
            #expect(again.status == 304)
            #expect(again.headers[.contentSecurityPolicy] == "default-src 'self'; frame-ancestors 'none'")
        }
    }

    @Test("files under a version never change")
    func immutable() async throws {
        try await Self.site { site in
            let reply = try await site.call(path: "/v1/mark.svg")
            #expect(reply.headers[values: .cacheControl] == ["public, max-age=31536000, immutable"])
            #expect(try await site.call(path: "/v1/none.svg").status == 404)
        }
    }

    @Test(
        "every other path shows the page, which finds the view",
        arguments: ["/org/acme", "/css", "/run/7?x=1"]
    )
    func fallback(path: String) async throws {
        let reply = try await Self.site { try await $0.call(path: path) }
        #expect(reply.status == 200)
        #expect(reply.body.contains("shell"))
        #expect(reply.headers[values: .cacheControl] == ["no-cache"])
    }

    @Test("the gateway's prefixes without their slash are nobody's, and no redirect", arguments: ["/api", "/repos"])
    func barePrefixes(path: String) async throws {
        #expect(try await Self.site { try await $0.call(path: path).status } == 404)
    }

    @Test(
        "every answer carries the hardening headers",
        arguments: ["/", "/tests/index.html", "/api/uncached", "/api/none"]
    )
    func hardening(path: String) async throws {
        let reply = try await Self.site { try await $0.call(path: path) }
        #expect(reply.headers[values: .contentSecurityPolicy] == ["default-src 'self'; frame-ancestors 'none'"])
        #expect(reply.headers[values: .xContentTypeOptions] == ["nosniff"])
        #expect(try reply.headers[named("Referrer-Policy")] == "same-origin")
        #expect(try reply.headers[named("Cross-Origin-Opener-Policy")] == "same-origin")
        #expect(reply.headers[.server] == "nginx")
    }

    @Test("the gateway decides about caching of its own answers")
    func gatewayCaching() async throws {
        let reply = try await Self.site { try await $0.call(path: "/api/uncached") }
        #expect(reply.headers[.cacheControl] == nil)
    }

    @Test("the tests' page is there in the test configuration alone", arguments: [true, false])
    func testPage(includesTests: Bool) async throws {
        try await Self.site(includesTests: includesTests) { site in
            for path in ["/tests/index.html", "/x/../tests/index.html", "/%74ests/index.html", "//tests/index.html"] {
                let reply = try await site.call(path: path)
                #expect(reply.status == (includesTests ? 200 : 404), "\(path)")
                #expect(reply.body.contains("tests") == includesTests)
            }
        }
    }

    @Test(
        "no path leads out of the public directory",
        arguments: [
            "/../nginx/nginx.conf", "/%2e%2e/nginx/nginx.conf", "/css/..%2f..%2fnginx/nginx.conf",
            "/v1/../../nginx/nginx.conf",
        ]
    )
    func traversal(path: String) async throws {
        let reply = try await Self.site { try await $0.call(path: path) }
        #expect(reply.status == 400 || reply.body.contains("shell"))
        #expect(!reply.body.contains("worker_connections"))
    }
}

/// A field name that the library has no constant for.
func named(_ text: String) throws -> HTTPField.Name {
    try #require(HTTPField.Name(text))
}
