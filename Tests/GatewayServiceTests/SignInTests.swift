import Base
import FoundationEssentials
import HTTPTypes
import Model
import ServiceKit
import TestSupport
import Testing

@Suite("Who asks", .temporaryDirectory, .timeLimit(.minutes(5)))
struct SignInTests {
    private func signIn(_ gateway: GatewayFixture, _ user: TestUser) async throws -> Answer {
        try await gateway.call(
            .post,
            "auth/login",
            json: #"{"remote_source_name":"local","login_name":"\#(user.user.name)","password":"\#(user.password)"}"#
        )
    }

    private func cookieHeader(_ cookies: [String: String]) -> HTTPFields {
        [.cookie: cookies.map { "\($0)=\($1)" }.sorted().joined(separator: "; ")]
    }

    @Test("is proved by a token; a wrong one is refused everywhere, even where none is needed")
    func tokens() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let me = try await gateway.call(.get, "user", token: ann.token)
            #expect(me.status == 200)
            #expect(me.text.contains(#""username":"ann""#))
            #expect(me.text.contains(#""tokens":["test"]"#))
            for path in ["user", "projects/user%2Fann%2Fnothing"] {
                let wrong = try await gateway.call(.get, path, token: SecretValue("nonsense"))
                #expect(wrong.status == 401)
                #expect(wrong.code == "invalidToken")
            }
            #expect(try await gateway.call(.get, "user").status == 401)
            let bearer = try await gateway.call(.get, "user", headers: [.authorization: "Bearer \(ann.token.revealed)"])
            #expect(bearer.status == 401)
            let spaced = try await gateway.call(.get, "user", headers: [.authorization: "TOKEN \(ann.token.revealed)"])
            #expect(spaced.status == 200)
        }
    }

    @Test("the admin token may do what administrators may, but is no user")
    func adminToken() async throws {
        try await GatewayFixture.with { gateway in
            let token = GatewayFixture.adminToken
            let created = try await gateway.call(
                .post,
                "users",
                token: token,
                json: #"{"username":"bob","password":"long enough"}"#
            )
            #expect(created.status == 201)
            #expect(try await gateway.call(.get, "users", token: token).text.contains("bob"))
            #expect(try await gateway.call(.get, "user", token: token).status == 403)
            let again = try await gateway.call(.post, "users", token: token, json: #"{"username":"bob"}"#)
            #expect(again.status == 400)
            #expect(again.code == "userAlreadyExists")
            let ann = try await gateway.makeUser("ann")
            #expect(try await gateway.call(.get, "users", token: ann.token).status == 403)
            #expect(try await gateway.call(.post, "users", token: ann.token, json: "{}").status == 403)
        }
    }

    @Test("a password gives a pair of cookies, of which scripts see the second; either alone is nothing")
    func sessions() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let answer = try await signIn(gateway, ann)
            #expect(answer.status == 201)
            let set = answer.headers[values: .setCookie]
            #expect(set.count == 2)
            #expect(set.allSatisfy { $0.contains("SameSite=Strict") && $0.contains("Max-Age=43200") })
            #expect(set.filter { $0.contains("HttpOnly") }.count == 1)
            let cookies = answer.cookies
            let me = try await gateway.call(.get, "user", headers: cookieHeader(cookies))
            #expect(me.status == 200)
            for name in cookies.keys {
                let alone = try await gateway.call(
                    .get,
                    "user",
                    headers: cookieHeader(cookies.filter { $0.key == name })
                )
                #expect(alone.status == 401)
            }
            let other = try await signIn(gateway, ann).cookies
            let mixed = cookies.merging(["secondarysession": other["secondarysession"] ?? ""]) { $1 }
            #expect(try await gateway.call(.get, "user", headers: cookieHeader(mixed)).status == 401)
        }
    }

    @Test("wrong names, passwords and sources are refused alike, and tampered cookies are no cookies")
    func refusals() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let attempts = [
                (#"{"remote_source_name":"local","login_name":"ann","password":"wrong password"}"#, 401),
                (#"{"remote_source_name":"local","login_name":"nobody","password":"wrong password"}"#, 401),
                (#"{"remote_source_name":"local"}"#, 401), (#"{"remote_source_name":"elsewhere"}"#, 404), ("{}", 400),
                ("", 400), ("null", 400), ("[1", 400),
            ]
            for (json, status) in attempts {
                let answer = try await gateway.call(.post, "auth/login", json: json)
                #expect(answer.status == status, "\(json): \(answer)")
                #expect(answer.headers[values: .setCookie].isEmpty)
            }
            var cookies = try await signIn(gateway, ann).cookies
            cookies["session"]?.append("x")
            #expect(try await gateway.call(.get, "user", headers: cookieHeader(cookies)).status == 401)
        }
    }

    @Test("an unsafe request with cookies needs the token of an answer before it, from the same origin")
    func crossSite() async throws {
        try await GatewayFixture.with {
            $0.allowedOrigins = ["https://ui.example.org"]
            $0.webExposedURL = "https://CI.example.org/martlet"
        } _: { gateway in
            let ann = try await gateway.makeUser("ann")
            var cookies = try await signIn(gateway, ann).cookies
            let first = try await gateway.call(.get, "user", headers: cookieHeader(cookies))
            let token = try #require(first.headers[.init("X-Csrf-Token") ?? .accept])
            cookies.merge(first.cookies) { $1 }
            func post(_ name: String, _ extra: [(String, String)]) async throws -> Answer {
                var headers = cookieHeader(cookies)
                for (field, value) in extra { headers[try #require(HTTPField.Name(field))] = value }
                return try await gateway.call(
                    .post,
                    "users/ann/tokens",
                    headers: headers,
                    json: #"{"token_name":"\#(name)"}"#
                )
            }
            let own = ("Origin", "http://localhost")
            let csrf = ("X-Csrf-Token", token)
            #expect(try await post("a", [own, csrf]).status == 201)
            #expect(try await post("b", [("Origin", "https://ui.example.org"), csrf]).status == 201)
            #expect(try await post("c", [("Referer", "http://localhost/account"), csrf]).status == 201)
            // The origin of the exposed URL: a proxy in front may speak https where we hear http.
            #expect(try await post("own", [("Origin", "https://ci.example.org"), csrf]).status == 201)
            #expect(try await post("foreign", [("Origin", "https://ci.example.org.evil"), csrf]).status == 403)
            for (extra, reason) in [
                ([own], "CSRF token not found in request"),
                ([own, ("X-Csrf-Token", "bm9uc2Vuc2U=")], "CSRF token invalid"),
                ([("Origin", "http://evil.example.org"), csrf], "origin invalid"),
                ([("Origin", "null"), csrf], "origin invalid"),
                ([csrf], "referer not supplied"),
                ([("Referer", "http://localhost.evil.org/"), csrf], "referer invalid"),
            ] {
                let refused = try await post("d", extra)
                #expect(refused.status == 403)
                #expect(refused.text == "Forbidden - \(reason)\n")
            }
            #expect(!(try await gateway.call(.get, "user", token: ann.token)).text.contains(#""d""#))
        }
    }

    @Test("tokens are created for oneself, shown once, and deleted")
    func ownTokens() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let bob = try await gateway.makeUser("bob")
            let created = try await gateway.call(
                .post,
                "users/ann/tokens",
                token: ann.token,
                json: #"{"token_name":"ci"}"#
            )
            #expect(created.status == 201)
            let token = SecretValue(try created.decode([String: String].self)["token"] ?? "")
            #expect(try await gateway.call(.get, "user", token: token).status == 200)
            let twice = try await gateway.call(
                .post,
                "users/ann/tokens",
                token: ann.token,
                json: #"{"token_name":"ci"}"#
            )
            #expect(twice.code == "userTokenAlreadyExists")
            #expect(try await gateway.call(.post, "users/ann/tokens", token: bob.token, json: "{}").status == 400)
            #expect(try await gateway.call(.delete, "users/ann/tokens/ci", token: bob.token).status == 400)
            #expect(try await gateway.call(.delete, "users/ann/tokens/ci", token: ann.token).status == 204)
            // At once, although a token is remembered for some seconds.
            #expect(try await gateway.call(.get, "user", token: token).status == 401)
            #expect(
                try await gateway.call(.delete, "users/ann/tokens/ci", token: ann.token).code == "userTokenDoesNotExist"
            )
        }
    }
}
