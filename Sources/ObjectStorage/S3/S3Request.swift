import Base
import Crypto
import FoundationEssentials
import HTTPTypes

/// A request as S3 wants it, without server and signature.
struct S3Request: Sendable {
    let method: HTTPRequest.Method
    /// The object's name, or nil for the bucket itself.
    let key: String?
    /// Names and values of the query, not encoded.
    let query: [(String, String)]
    var headers: HTTPFields
    let body: [UInt8]?
    /// Whether repeating the request does no harm, so that a lost answer may be asked for again.
    let isRepeatable: Bool

    init(
        _ method: HTTPRequest.Method,
        _ key: String?,
        query: [(String, String)] = [],
        headers: HTTPFields = [:],
        body: [UInt8]? = nil,
        isRepeatable: Bool = true
    ) {
        self.method = method
        self.key = key
        self.query = query
        self.headers = headers
        self.body = body
        self.isRepeatable = isRepeatable
        // What is sent is signed as a whole, so that nothing changes it on its way.
        self.headers[.payloadHash] = HexText.text(SHA256.hash(data: body ?? []))
        guard let body else { return }
        self.headers[.contentType] = "application/octet-stream"
        self.headers[.contentMD5] = Data(Insecure.MD5.hash(data: body)).base64EncodedString()
    }

    /// The path with the query; the query is sorted, and all is encoded once, because both are signed as they stand.
    func path(after prefix: String) -> String {
        let segments = (key ?? "").split(separator: "/", omittingEmptySubsequences: false)
        var path = prefix
        if key != nil || prefix.isEmpty {
            path += "/" + segments.map { PercentEncoding.query(String($0)) }.joined(separator: "/")
        }
        guard !query.isEmpty else { return path }
        let pairs = query.map { (PercentEncoding.query($0), PercentEncoding.query($1)) }
        let sorted = pairs.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        return path + "?" + sorted.map { "\($0)=\($1)" }.joined(separator: "&")
    }
}

extension HTTPField.Name {
    /// The digest of a request's body.
    static var payloadHash: Self { name("x-amz-content-sha256") }
    static var contentMD5: Self { name("Content-MD5") }
    /// How an object is encrypted; with a key of a service, its tag is no digest.
    static var encryption: Self { name("x-amz-server-side-encryption") }

    private static func name(_ text: String) -> Self {
        guard let name = Self(text) else { preconditionFailure("\(text) is a field name") }
        return name
    }
}
