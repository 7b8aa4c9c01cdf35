import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing

@testable import HTTPTransport

/// A real nginx that speaks TLS with a self-signed certificate for `localhost`.
enum TLSServer {
    /// Where the server listens, and the certificate that vouches for it.
    struct Address {
        var endpoint: HTTPEndpoint
        var certificate: String
    }

    /// How large the file `/large` is.
    static let largeSize = 8 << 20

    static func with<Value: Sendable>(
        http2: Bool = false,
        _ body: (Address) async throws -> Value
    ) async throws -> Value {
        let directory = TemporaryDirectory.path
        try await makeCertificate(in: directory)
        try Data([UInt8](repeating: 7, count: largeSize)).write(to: URL(filePath: "\(directory)/large"))
        let configuration = """
            daemon off; pid \(directory)/pid; worker_processes 1; error_log \(directory)/error.log;
            \(getuid() == 0 ? "user root;" : "")
            events {}
            http {
              access_log off; client_body_temp_path \(directory)/body; proxy_temp_path \(directory)/proxy;
              fastcgi_temp_path \(directory)/fastcgi; uwsgi_temp_path \(directory)/uwsgi; scgi_temp_path \(directory)/scgi;
              server {
                listen unix:\(directory)/tls ssl\(http2 ? " http2" : "");
                ssl_certificate \(directory)/cert.pem; ssl_certificate_key \(directory)/key.pem;
                root \(directory);
                location = /protocol { default_type text/plain; return 200 $server_protocol; }
              }
            }
            """
        try Data(configuration.utf8).write(to: URL(filePath: "\(directory)/nginx.conf"))
        let result = try await run(
            .name("nginx"),
            arguments: ["-c", "\(directory)/nginx.conf", "-e", "\(directory)/error.log"],
            input: .none,
            output: .discarded,
            error: .discarded
        ) { nginx in
            defer { kill(nginx.processIdentifier.value, SIGTERM) }
            // The socket appears before nginx listens on it; the process id is written afterwards.
            try await eventually("nginx listens") { FileManager.default.fileExists(atPath: "\(directory)/pid") }
            return try await body(
                Address(
                    endpoint: HTTPEndpoint(base: "https://localhost", socketPath: "\(directory)/tls"),
                    certificate: "\(directory)/cert.pem"
                )
            )
        }
        return result.closureResult
    }

    private static func makeCertificate(in directory: String) async throws {
        let result = try await run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", "\(directory)/key.pem", "-out", "\(directory)/cert.pem",
            ],
            output: .discarded,
            error: .discarded
        )
        #expect(result.terminationStatus.isSuccess)
    }
}
