import Base
import HTTPTypes
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct TLSTests {
    @Test("a certificate that nobody vouches for is refused")
    func verifies() async throws {
        let client = try HTTPClient()
        try await TLSServer.with { server in
            let error = await #expect(throws: HTTPTransportError.self) {
                try await client.send(HTTPCall(.get, server.endpoint, "/protocol"))
            }
            #expect(error?.kind == .tls, "\(error?.description ?? "")")
        }
    }

    @Test("a certificate for another host is refused, though its authority is trusted")
    func verifiesHost() async throws {
        try await TLSServer.with { server in
            let client = try HTTPClient(trusting(server))
            let other = HTTPEndpoint(base: "https://other.example", socketPath: server.endpoint.socketPath)
            let error = await #expect(throws: HTTPTransportError.self) {
                try await client.send(HTTPCall(.get, other, "/protocol"))
            }
            #expect(error?.kind == .tls, "\(error?.description ?? "")")
        }
    }

    @Test("a missing file of authorities is an error of TLS, not a reason to trust everybody")
    func needsAuthorityFile() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.certificateAuthorityFile = "/nonexistent"
        let client = try HTTPClient(configuration)
        try await TLSServer.with { server in
            let error = await #expect(throws: HTTPTransportError.self) {
                try await client.send(HTTPCall(.get, server.endpoint, "/protocol"))
            }
            #expect(error?.kind == .tls, "\(error?.description ?? "")")
        }
    }

    @Test("a trusted certificate is accepted, and with the switch any", arguments: [true, false])
    func accepts(trusts: Bool) async throws {
        try await TLSServer.with { server in
            var configuration = HTTPClientConfiguration()
            if trusts { configuration = trusting(server) } else { configuration.allowsInsecureTLS = true }
            let reply = try await HTTPClient(configuration).send(HTTPCall(.get, server.endpoint, "/protocol"))
            let text = String(decoding: try await reply.collect(), as: UTF8.self)
            #expect(text == "HTTP/1.1")
        }
    }

    @Test("plain HTTP to a TLS server, and TLS to a plain one, fail")
    func refusesMixture() async throws {
        try await TLSServer.with { server in
            let client = try HTTPClient(trusting(server))
            let plain = HTTPEndpoint(base: "http://localhost", socketPath: server.endpoint.socketPath)
            #expect(try await client.send(HTTPCall(.get, plain, "/protocol")).status == 400)
        }
        try await RawServer.with(RawServer.answering("HTTP/1.1 200 OK\r\n\r\n", thenCloses: true)) { server in
            let secure = HTTPEndpoint(base: "https://localhost", socketPath: server.endpoint.socketPath)
            let client = try HTTPClient()
            let task = Task { try await client.send(HTTPCall(.get, secure, "/", deadline: .after(.seconds(1)))) }
            let error = await #expect(throws: HTTPTransportError.self) { try await task.value }
            #expect(error.map { [.tls, .timedOut].contains($0.kind) } == true)
        }
    }

    @Test("HTTP/2 is spoken when the server offers it, and a paused stream holds nobody up")
    func speaksHTTP2() async throws {
        try await TLSServer.with(http2: true) { server in
            let client = try HTTPClient(trusting(server))
            let large = try await client.send(HTTPCall(.get, server.endpoint, "/large"))
            #expect(large.status == 200)
            for _ in 0..<20 {
                let reply = try await client.send(
                    HTTPCall(.get, server.endpoint, "/protocol", deadline: .after(.seconds(20)))
                )
                let text = String(decoding: try await reply.collect(), as: UTF8.self)
                #expect(text == "HTTP/2.0")
            }
            #expect(try await large.collect().count == TLSServer.largeSize)
        }
    }

    private func trusting(_ server: TLSServer.Address) -> HTTPClientConfiguration {
        var configuration = HTTPClientConfiguration()
        configuration.certificateAuthorityFile = server.certificate
        return configuration
    }
}
