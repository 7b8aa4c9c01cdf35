import FastCGI
import FoundationEssentials
import GatewayService
import HTTPTransport
import HTTPTypes
import Hummingbird
import TestSupport

/// A router behind the real nginx, as the gateway will stand there: two servers on two sockets.
struct TestSite: Sendable {
    let nginx: TestNginx
    let client: HTTPClient
    let endpoint: HTTPEndpoint

    /// Runs `body` while the site is up.
    static func run<Value: Sendable>(
        _ responder: RouterResponder<TestContext>,
        origins: [String] = [],
        includesTests: Bool = false,
        files: [String: String] = ["index.html": "<!doctype html><title>shell</title>"],
        _ body: @escaping @Sendable (TestSite) async throws -> Value
    ) async throws -> Value {
        let publicDirectory = "\(TemporaryDirectory.path)/public"
        try write(files, to: publicDirectory)
        return try await TestFastCGI.serve(responder, name: "api") { _ in
            try await TestFastCGI.serve(responder, name: "stream", change: Self.forStreams) { _ in
                try await TestNginx.run { settings in
                    try NginxSite(
                        listen: settings.listen,
                        publicDirectory: publicDirectory,
                        apiSocket: TestFastCGI.path("api"),
                        streamSocket: TestFastCGI.path("stream"),
                        allowedOrigins: origins,
                        includesTests: includesTests,
                        user: settings.user,
                        workers: 2
                    ).files()
                } _: { nginx in
                    let client = try HTTPClient()
                    defer { client.shutdown() }
                    return try await body(TestSite(nginx: nginx, client: client, endpoint: .url(nginx.url)))
                }
            }
        }
    }

    /// One request, its body read whole.
    func call(
        _ method: HTTPRequest.Method = .get,
        path: String,
        headers: HTTPFields = [:],
        body: HTTPBody = .none
    ) async throws -> (status: Int, headers: HTTPFields, body: String) {
        let reply = try await client.send(HTTPCall(method, endpoint, path, headers: headers, body: body))
        return (reply.status, reply.headers, String(decoding: try await reply.collect(), as: UTF8.self))
    }

    private static func forStreams(_ configuration: inout FastCGIConfiguration) {
        configuration.bodyLimit = nil
        configuration.drainTime = .milliseconds(200)
    }

    private static func write(_ files: [String: String], to directory: String) throws {
        for (name, text) in files {
            let url = URL(filePath: "\(directory)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: url)
        }
    }
}
