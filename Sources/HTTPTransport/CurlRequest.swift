import Base
import HTTPTypes

/// A call as libcurl wants it: checked, with its URL and header lines.
struct CurlRequest: Sendable {
    enum Payload: Sendable {
        case none
        case bytes([UInt8])
        case stream(length: Int?)
    }

    let method: HTTPRequest.Method
    let endpoint: HTTPEndpoint
    let path: String
    let headerLines: [String]
    let payload: Payload
    let deadline: Deadline?
    let idleTimeout: Duration?
    let signature: AWSSignature?
    let site: Site

    /// - Throws: ``HTTPTransportError`` of kind `badURL`.
    init(_ call: HTTPCall, site: Site) throws(HTTPTransportError) {
        method = call.method
        endpoint = call.endpoint
        path = call.path
        headerLines = Self.headerLines(call.headers, isSigned: call.signature != nil)
        deadline = call.deadline
        idleTimeout = call.idleTimeout
        signature = call.signature
        self.site = site
        payload =
            switch call.body {
            case .none: .none
            case .bytes(let bytes): .bytes(bytes)
            case .stream(let length, _): .stream(length: length)
            }
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.allSatisfy(Self.isAllowedInPath) else {
            throw error(.badURL, "the path must begin with a slash and be percent-encoded")
        }
    }

    /// The whole address.
    var url: String { endpoint.base + path }

    /// Whether repeating the request unasked could make the server act twice.
    var isIdempotent: Bool {
        switch method {
        case .get, .head, .put, .delete, .options, .trace: true
        default: false
        }
    }

    /// An error about this request.
    func error(_ kind: HTTPTransportError.Kind, _ message: String, cause: (any Error)? = nil) -> HTTPTransportError {
        let name = "\(method.rawValue) \(path.prefix { $0 != "?" }) at \(endpoint)"
        return HTTPTransportError(kind: kind, call: name, message: message, cause: cause, site: site)
    }

    private static func isAllowedInPath(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    /// Lines in libcurl's form: `Name;` sends an empty field, `Name:` suppresses one of libcurl's own.
    ///
    /// libcurl 7.88 signs also what it suppresses, so a signed request suppresses nothing.
    private static func headerLines(_ headers: HTTPFields, isSigned: Bool) -> [String] {
        var lines: [String] = []
        if !isSigned {
            lines.append("Expect:")
            if headers[.contentType] == nil { lines.append("Content-Type:") }
            if headers[.accept] == nil { lines.append("Accept:") }
        }
        for field in headers where !framing.contains(field.name) {
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        return lines
    }

    private static let framing: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .connection, .expect]
}
