import Base
import FoundationEssentials
import Glibc
import Testing

/// A real nginx in front of a server without TLS, with a certificate from an authority that was made for the test.
package struct TestTLSFront: Sendable {
    /// Where it listens; the certificate is for `localhost` and the names that were asked for.
    package let port: UInt16
    /// The authority's certificate.
    package let authority: String
    /// The certificate of another authority, which has made none for this server.
    package let stranger: String

    /// Runs `body` beside a front of the server at a port.
    /// - Parameters:
    ///   - backend: the port of the server without TLS.
    ///   - names: further names in the certificate.
    ///   - http2: whether HTTP/2 is offered.
    ///   - body: the test.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or why nginx does not start.
    package static func with<Value: Sendable>(
        of backend: UInt16,
        names: [String] = [],
        http2: Bool = false,
        _ body: (TestTLSFront) async throws -> Value
    ) async throws -> Value {
        let directory = "\(TemporaryDirectory.path)/tls\(HexText.random(bytes: 4))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        for name in ["ca", "stranger"] { try await makeAuthority(name, in: directory) }
        try await makeCertificate(for: ["localhost"] + names, in: directory)
        let port = try TestPort.free(in: 20_000..<32_000)
        let text = configuration(directory, port, backend, http2: http2)
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/nginx.conf"))
        let front = TestTLSFront(
            port: port,
            authority: "\(directory)/ca.pem",
            stranger: "\(directory)/stranger.pem"
        )
        let line = ["-c", "\(directory)/nginx.conf", "-e", "\(directory)/error.log"]
        return try await TestProcess.with("nginx", line, log: "\(directory)/log") { _ in
            // It is written once nginx listens.
            try await eventually("nginx listens", within: .seconds(60)) { access("\(directory)/pid", F_OK) == 0 }
            return try await body(front)
        }.value
    }

    private static func configuration(_ directory: String, _ port: UInt16, _ backend: UInt16, http2: Bool) -> String {
        """
        daemon off; pid \(directory)/pid; worker_processes 1; \(geteuid() == 0 ? "user root;" : "")
        events {}
        http {
          access_log off; client_body_temp_path \(directory)/body; proxy_temp_path \(directory)/proxy;
          fastcgi_temp_path \(directory)/fastcgi; uwsgi_temp_path \(directory)/uwsgi; scgi_temp_path \(directory)/scgi;
          server {
            listen 127.0.0.1:\(port) ssl\(http2 ? " http2" : "");
            ssl_certificate \(directory)/cert.pem; ssl_certificate_key \(directory)/key.pem;
            client_max_body_size 0;
            location / {
              proxy_pass http://127.0.0.1:\(backend); proxy_http_version 1.1; proxy_read_timeout 300s;
              proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off;
            }
          }
        }
        """
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]

    private static func makeAuthority(_ name: String, in directory: String) async throws {
        let files = ["-keyout", "\(directory)/\(name).key", "-out", "\(directory)/\(name).pem"]
        try await TestProcess.require("openssl", ["req", "-x509"] + newKey + ["-subj", "/CN=Test \(name)"] + files)
    }

    private static func makeCertificate(for names: [String], in directory: String) async throws {
        let list = names.map { "DNS:\($0)" }.joined(separator: ",")
        let issuer = ["-CA", "\(directory)/ca.pem", "-CAkey", "\(directory)/ca.key"]
        let subject = [
            "-subj", "/CN=\(names[0])", "-addext", "subjectAltName=\(list)", "-addext", "basicConstraints=CA:FALSE",
        ]
        let files = ["-keyout", "\(directory)/key.pem", "-out", "\(directory)/cert.pem"]
        try await TestProcess.require("openssl", ["req", "-x509"] + newKey + issuer + subject + files)
    }
}
