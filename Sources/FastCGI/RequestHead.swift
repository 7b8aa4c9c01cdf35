import Base
import HTTPTypes

/// The head of a request, made from the parameters that the web server sent.
struct RequestHead {
    /// Method, raw path with query, authority and fields.
    let request: HTTPRequest
    /// The client's address as the web server saw it.
    let remoteAddress: String?
    /// `http` or `https`, as the client spoke to the web server.
    let scheme: String
    /// The declared size of the body; nil when it was not declared.
    let contentLength: Int?

    /// Reads the parameters in any order.
    ///
    /// The path is `REQUEST_URI` as the client sent it: decoding it would turn an encoded slash into a separator.
    /// - Throws: ``APIError`` of kind `badRequest` when method, path or length are missing or malformed.
    init(parameters: some Sequence<(name: Substring.UTF8View, value: String)>) throws(APIError) {
        var values = Values()
        for (name, value) in parameters { values.add(name, value) }
        guard let method = values.method.flatMap({ HTTPRequest.Method($0) }) else {
            throw APIError(.badRequest, code: "invalidMethod", "The request has no valid method.")
        }
        guard let path = values.path, Self.isOrigin(path) else {
            throw APIError(.badRequest, code: "invalidPath", "The path must start with a slash and be percent-encoded.")
        }
        contentLength = try Self.length(values.contentLength)
        var fields = values.fields
        fields[.contentLength] = contentLength.map(String.init)
        fields[.contentType] = values.contentType ?? fields[.contentType]
        scheme = values.isSecure ? "https" : "http"
        remoteAddress = values.remoteAddress
        request = HTTPRequest(
            method: method,
            scheme: scheme,
            authority: values.authority,
            path: path,
            headerFields: fields
        )
    }

    private static func isOrigin(_ path: String) -> Bool {
        path.utf8.first == UInt8(ascii: "/") && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }

    private static func length(_ text: String?) throws(APIError) -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(text) else {
            throw APIError(.badRequest, code: "invalidContentLength", "The content length must be a number.")
        }
        return length
    }

    /// The parameters that matter, gathered in one walk.
    private struct Values {
        var method: String?
        var path: String?
        var contentLength: String?
        var contentType: String?
        var remoteAddress: String?
        var authority: String?
        var isSecure = false
        var fields = HTTPFields()

        /// Fields about one connection, which ended at the web server.
        private static let hopByHop: Set<HTTPField.Name> = [.connection, .transferEncoding, .te, .upgrade, .trailer]

        mutating func add(_ name: Substring.UTF8View, _ value: String) {
            if name.starts(with: "HTTP_".utf8) { return addField(name.dropFirst(5), value) }
            switch Substring(name) {
            case "REQUEST_METHOD": method = value
            case "REQUEST_URI": path = value
            case "CONTENT_LENGTH": contentLength = value
            case "CONTENT_TYPE": contentType = value.isEmpty ? nil : value
            case "REMOTE_ADDR": remoteAddress = value.isEmpty ? nil : value
            case "REQUEST_SCHEME": isSecure = isSecure || value == "https"
            case "HTTPS": isSecure = isSecure || value == "on"
            default: break
            }
        }

        private mutating func addField(_ name: Substring.UTF8View, _ value: String) {
            let text = String(decoding: name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }, as: UTF8.self)
            guard let name = HTTPField.Name(text), !Self.hopByHop.contains(name) else { return }
            if text == "HOST" {
                authority = value
            } else {
                fields.append(HTTPField(name: name, value: value))
            }
        }
    }
}
