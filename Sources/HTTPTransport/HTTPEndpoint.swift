import Base
import CCurl

/// Where a server listens.
public struct HTTPEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// The part of a URL before the path, without a slash at the end.
    let base: String
    /// The Unix socket that replaces the network, or nil.
    let socketPath: String?

    /// Plain HTTP over the Unix socket at `path`.
    public static func unix(_ path: String) -> HTTPEndpoint {
        HTTPEndpoint(base: "http://localhost", socketPath: path)
    }

    /// The server named by `http://…`, `https://…` or `unix:/path`; a slash at the end is dropped.
    /// - Throws: ``Base/Failure`` when the text is not such a URL, or carries a user, password, query or fragment.
    public static func url(_ base: String) throws -> HTTPEndpoint {
        if base.hasPrefix("unix:") {
            let path = String(base.dropFirst("unix:".count))
            guard path.hasPrefix("/"), !path.contains("\0") else { throw refusal(of: base) }
            return unix(path)
        }
        guard base.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !base.contains(":///"), isServerURL(base) else {
            throw refusal(of: base)
        }
        var base = base[...]
        while base.hasSuffix("/") { base.removeLast() }
        return HTTPEndpoint(base: String(base), socketPath: nil)
    }

    /// `unix:/path`, or the URL.
    public var description: String {
        socketPath.map { "unix:\($0)" } ?? base
    }

    /// A mistyped URL may hold a password, which must not end in a log.
    private static func refusal(of base: String) -> Failure {
        let name = base.contains("@") ? "server URL" : "server URL “\(base)”"
        return Failure("\(name) must be http://host, https://host or unix:/path, without user, query and fragment")
    }

    /// Asks the parser that will read the URL again when it is used.
    private static func isServerURL(_ base: String) -> Bool {
        guard let url = curl_url() else { return false }
        defer { curl_url_cleanup(url) }
        guard curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK else { return false }
        guard let scheme = part(CURLUPART_SCHEME, of: url), scheme == "http" || scheme == "https" else { return false }
        return [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT].allSatisfy {
            part($0, of: url) == nil
        }
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
