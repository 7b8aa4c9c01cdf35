import Base
import GatewayService
import TestSupport
import Testing

/// What `martletd` renders for nginx.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct NginxSiteTests {
    private static func site(
        listen: String = "127.0.0.1:8000",
        publicDirectory: String = "/usr/share/martlet/public",
        apiSocket: String = "/run/martlet/api.sock",
        streamSocket: String = "/run/martlet/stream.sock",
        allowedOrigins: [String] = [],
        includesTests: Bool = false,
        user: String? = nil
    ) throws -> NginxSite {
        try NginxSite(
            listen: listen,
            publicDirectory: publicDirectory,
            apiSocket: apiSocket,
            streamSocket: streamSocket,
            allowedOrigins: allowedOrigins,
            includesTests: includesTests,
            user: user
        )
    }

    private static let hostile = [
        "", "a\"b", "a'b", "a\\b", "a\nb", "a;b", "a$b", "a{b", "a}b", "a#b", "a\0b", "a\tb", "a\u{7f}b",
        "x\"; root /; #", "${http_host}",
    ]

    @Test("the files say where to listen, what to serve and where the gateway is")
    func renders() throws {
        let files = try Self.site(includesTests: true, user: "martlet").files()
        #expect(files.keys.sorted() == ["martlet/http.conf", "martlet/main.conf", "martlet/server.conf"])
        #expect(files["martlet/main.conf"]?.contains("user martlet;") == true)
        #expect(files["martlet/main.conf"]?.contains("worker_processes auto;") == true)
        #expect(files["martlet/http.conf"]?.contains(#"server "unix:/run/martlet/api.sock";"#) == true)
        #expect(files["martlet/http.conf"]?.contains(#"server "unix:/run/martlet/stream.sock";"#) == true)
        #expect(files["martlet/server.conf"]?.contains("listen 127.0.0.1:8000;") == true)
        #expect(files["martlet/server.conf"]?.contains(#"root "/usr/share/martlet/public";"#) == true)
        #expect(files["martlet/server.conf"]?.contains(#"set $martlet_tests "1";"#) == true)
    }

    @Test("tests, CORS and a user are absent by default")
    func defaults() throws {
        let files = try Self.site().files()
        #expect(files["martlet/main.conf"]?.contains("user") == false)
        #expect(files["martlet/server.conf"]?.contains(#"set $martlet_tests "";"#) == true)
        #expect(files["martlet/server.conf"]?.contains(#"set $martlet_vary "";"#) == true)
        #expect(files["martlet/http.conf"]?.contains("http://") == false)
        #expect(files["martlet/http.conf"]?.contains("https://") == false)
    }

    @Test(
        "addresses of every kind are taken",
        arguments: ["8000", "*:80", "10.0.0.7:8000", "[::1]:8000", "ci.local:65535"]
    )
    func listens(listen: String) throws {
        #expect(try Self.site(listen: listen).files()["martlet/server.conf"]?.contains("listen \(listen);") == true)
    }

    @Test("nginx takes what is rendered", arguments: ["127.0.0.1:8000", "localhost:65535"])
    func accepted(listen: String) async throws {
        let origins = [
            "https://ci.example.org", "http://127.0.0.1:5173", "http://[::1]:8080",
            "https://\(String(repeating: "a", count: 180)).org",
        ]
        let directory = "\(TemporaryDirectory.path)/nginx"
        let site = try Self.site(listen: listen, publicDirectory: "/srv/our files/public", allowedOrigins: origins)
        try TestNginx.install(site.files(), into: directory)
        try await TestNginx.check(directory)
    }

    @Test("no value can leave its quotation marks", arguments: hostile)
    func hostileValues(value: String) {
        #expect(throws: Failure.self) { try Self.site(listen: value) }
        #expect(throws: Failure.self) { try Self.site(listen: "\(value):8000") }
        #expect(throws: Failure.self) { try Self.site(publicDirectory: value.isEmpty ? "" : "/srv/\(value)") }
        #expect(throws: Failure.self) { try Self.site(apiSocket: value.isEmpty ? "" : "/run/\(value)") }
        #expect(throws: Failure.self) { try Self.site(streamSocket: value.isEmpty ? "" : "/run/\(value)") }
        #expect(throws: Failure.self) { try Self.site(allowedOrigins: [value]) }
        #expect(throws: Failure.self) { try Self.site(allowedOrigins: ["https://\(value)"]) }
        #expect(throws: Failure.self) { try Self.site(user: value) }
    }

    @Test("relative paths are refused", arguments: ["public", "./public", "~/public"])
    func relativePaths(path: String) {
        #expect(throws: Failure.self) { try Self.site(publicDirectory: path) }
        #expect(throws: Failure.self) { try Self.site(apiSocket: path) }
        #expect(throws: Failure.self) { try Self.site(streamSocket: path) }
    }

    @Test(
        "only an address and a port can be listened on",
        arguments: [
            "0", "65536", "-1", "80a", "127.0.0.1", "127.0.0.1:", ":8000", "[::1:8000", "[]:8000", "a b:8000",
            "unix:/x:80",
        ]
    )
    func addresses(listen: String) {
        #expect(throws: Failure.self) { try Self.site(listen: listen) }
    }

    @Test(
        "only what browsers send as an origin can be allowed",
        arguments: [
            "*", "null", "https://*", "https://*.example.org", "ci.example.org", "ftp://ci.example.org", "https://",
            "https://ci.example.org/", "https://ci.example.org/ui", "https://user@ci.example.org",
            "https://ci.example.org:0",
            "https://ci.example.org:70000", "HTTPS://ci.example.org", "https://CI.example.org",
            "https://ci.example.org?x",
            "~^https://.*", " https://ci.example.org", "https://\(String(repeating: "a", count: 300))",
        ]
    )
    func origins(origin: String) {
        #expect(throws: Failure.self) { try Self.site(allowedOrigins: [origin]) }
    }

    @Test("an origin is allowed with the scheme's own port, too")
    func defaultPorts() throws {
        let origins = ["https://a.org", "http://b.org", "https://c.org:8443", "http://[::1]"]
        let http = try #require(try Self.site(allowedOrigins: origins).files()["martlet/http.conf"])
        for origin in origins + ["https://a.org:443", "http://b.org:80", "http://[::1]:80"] {
            #expect(http.contains("    \"\(origin)\" \"\(origin)\";\n"))
        }
        #expect(!http.contains("https://c.org:443"))
    }
}
