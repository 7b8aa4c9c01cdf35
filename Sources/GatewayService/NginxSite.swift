package import Base

/// The part of nginx's configuration that depends on Martlet's own: address, directories, sockets, allowed origins.
///
/// `nginx/site.conf` includes the files; the rest of the site is the same everywhere.
package struct NginxSite: Sendable {
    private let listen: String
    private let publicDirectory: String
    private let apiSocket: String
    private let streamSocket: String
    private let allowedOrigins: [String]
    private let includesTests: Bool
    private let user: String?
    private let workers: Int?
    private let keepalive: Int

    /// Checks every value: nothing that nginx could take for syntax is ever rendered.
    /// - Parameters:
    ///   - listen: a port, or an address and a port such as `127.0.0.1:8000` or `[::1]:8000`.
    ///   - publicDirectory: the absolute path of `public/`.
    ///   - apiSocket: the absolute path of the gateway's socket for short requests.
    ///   - streamSocket: the absolute path of the gateway's socket for logs, events and git.
    ///   - allowedOrigins: `gateway.web.allowedOrigins`, each as browsers send it: `https://ci.example.org`. Empty: no CORS.
    ///   - includesTests: whether `/tests/` is served.
    ///   - user: the account of nginx's workers; needed when nginx is started by root, because the sockets are open to their
    ///     owner and group alone. The account that runs Martlet is right: nginx has then no more rights than the gateway.
    ///   - workers: the number of worker processes; nil means one for each core.
    ///   - keepalive: the idle connections to the gateway that each worker keeps. They cost the gateway memory, no threads.
    /// - Throws: ``Failure`` naming the value that cannot be used.
    package init(
        listen: String,
        publicDirectory: String,
        apiSocket: String,
        streamSocket: String,
        allowedOrigins: [String] = [],
        includesTests: Bool = false,
        user: String? = nil,
        workers: Int? = nil,
        keepalive: Int = 64
    ) throws(Failure) {
        self.listen = try Self.address(listen)
        self.publicDirectory = try Self.path(publicDirectory, "public directory")
        self.apiSocket = try Self.path(apiSocket, "api socket")
        self.streamSocket = try Self.path(streamSocket, "stream socket")
        var origins: [String] = []
        for origin in allowedOrigins { origins += try Self.origins(origin) }
        self.allowedOrigins = origins
        self.includesTests = includesTests
        if let user { try Self.check(user, "user", isValid: user.utf8.allSatisfy(Self.isNameByte) && !user.isEmpty) }
        self.user = user
        self.workers = workers
        self.keepalive = keepalive
    }

    /// The files by name, to be written into the directory of `nginx.conf`.
    package func files() -> [String: String] {
        ["martlet/main.conf": main, "martlet/http.conf": http, "martlet/server.conf": server]
    }

    private var main: String {
        var text = Self.head
        if let user { text += "user \(user);\n" }
        return text + "worker_processes \(workers.map(String.init) ?? "auto");\n"
    }

    private var http: String {
        // A map with an origin as value, not $http_origin: only configured text is ever sent back.
        let entries = allowedOrigins.map { "    \"\($0)\" \"\($0)\";\n" }.joined()
        return Self.head + """
            upstream martlet_api {
                server "unix:\(apiSocket)";
                keepalive \(keepalive);
            }
            upstream martlet_stream {
                server "unix:\(streamSocket)";
            }
            map_hash_bucket_size 512;
            map $http_origin $martlet_origin {
                default "";
            \(entries)}

            """
    }

    private var server: String {
        Self.head + """
            listen \(listen);
            root "\(publicDirectory)";
            set $martlet_tests "\(includesTests ? "1" : "")";
            set $martlet_vary "\(allowedOrigins.isEmpty ? "" : "Origin")";

            """
    }

    private static let head = "# Rendered by martletd from its configuration; changes here are lost.\n"

    private static func check(_ value: String, _ what: String, isValid: Bool) throws(Failure) {
        guard isValid else { throw Failure("nginx site: unusable \(what) \(value.debugDescription)") }
    }

    /// A path that needs no escapes between quotation marks.
    private static func path(_ value: String, _ what: String) throws(Failure) -> String {
        let refused: Set<Unicode.Scalar> = ["\"", "'", "\\", ";", "$", "{", "}", "#", "\u{7f}"]
        let isPlain = value.unicodeScalars.allSatisfy { $0.value >= 0x20 && !refused.contains($0) }
        try check(value, what, isValid: value.hasPrefix("/") && isPlain)
        return value
    }

    private static func address(_ value: String) throws(Failure) -> String {
        let split = value.lastIndex(of: ":")
        let port = split.map { value[value.index(after: $0)...] } ?? value[...]
        try check(value, "address to listen on", isValid: isPort(port) && (split.map { isHost(value[..<$0]) } ?? true))
        return value
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(text) else { return false }
        return (1...65535).contains(port)
    }

    private static func isHost(_ text: Substring) -> Bool {
        if text == "*" { return true }
        if text.hasPrefix("["), text.hasSuffix("]") {
            return text.count > 2 && text.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        return !text.isEmpty && text.utf8.allSatisfy(isHostByte)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) && byte != UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// An origin and, where the port is the scheme's own, the same with that port written out.
    private static func origins(_ value: String) throws(Failure) -> [String] {
        let what = "allowed origin (scheme, host and port alone, such as https://ci.example.org)"
        guard let split = value.firstRange(of: "://") else {
            try check(value, what, isValid: false)
            return []
        }
        let scheme = value[..<split.lowerBound]
        let authority = value[split.upperBound...]
        let hostEnd = authority.hasSuffix("]") ? nil : authority.lastIndex(of: ":")
        let host = hostEnd.map { authority[..<$0] } ?? authority
        let hasValidPort = hostEnd.map { isPort(authority[authority.index(after: $0)...]) } ?? true
        let isValid = (scheme == "http" || scheme == "https") && host != "*" && isHost(host) && hasValidPort
        try check(value, what, isValid: isValid && value.utf8.count <= 200 && value == value.lowercased())
        return hostEnd == nil ? [value, value + (scheme == "https" ? ":443" : ":80")] : [value]
    }
}
