package import Base
import HTTPTransport

/// Where objects are kept that lie in a bucket of any S3.
package struct S3Configuration: Sendable {
    /// The server, `https://host` or `http://host:port`.
    package var endpoint: String
    /// The bucket; made when it is missing.
    package var bucket: String
    /// The region of the bucket.
    package var location = "us-east-1"
    /// The name of the key.
    package var accessKey: String
    /// The key itself.
    package var secretAccessKey: SecretValue
    /// Whether the bucket stands in the path instead of in the host's name.
    package var usesPathStyle = true
    /// A PEM file of authorities to trust beside the system's, for servers whose certificates come from a private one.
    package var certificateAuthorityFile: String?

    /// Names a bucket.
    package init(endpoint: String, bucket: String, accessKey: String, secretAccessKey: SecretValue) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.accessKey = accessKey
        self.secretAccessKey = secretAccessKey
    }

    /// Whether a text is the URL of a server, without a path.
    package static func isEndpoint(_ url: String) -> Bool {
        let empty = SecretValue("")
        do {
            _ = try S3Configuration(endpoint: url, bucket: "bucket", accessKey: "", secretAccessKey: empty).server()
            return true
        } catch {
            return false
        }
    }

    /// Whom to ask for the bucket.
    /// - Throws: ``Failure`` when the endpoint is not the URL of a server.
    func server() throws -> HTTPEndpoint {
        let plain = try HTTPEndpoint.url(endpoint).description
        let parts = plain.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "http:" || parts[0] == "https:" else {
            throw Failure("\(plain) has a path, or is no http or https")
        }
        return try .url("\(parts[0])//\(usesPathStyle ? "" : bucket + ".")\(parts[2])")
    }

    /// Whether a text may name a bucket: what all vendors agree on, which is also safe in a host's name.
    package static func isBucketName(_ name: String) -> Bool {
        let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-.".utf8)
        guard (3...63).contains(name.utf8.count), name.utf8.allSatisfy(allowed.contains) else { return false }
        return !name.contains("..") && !name.hasPrefix("-") && !name.hasPrefix(".") && !name.hasSuffix("-")
            && !name.hasSuffix(".")
    }

    /// Whether a text may name a region.
    package static func isLocation(_ name: String) -> Bool {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        return (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(allowed.contains)
    }
}

/// The sizes and patience of ``S3Store``; tests make them small.
package struct S3Limits: Sendable {
    /// The bytes of a part, which are held in memory; what is not larger is sent in one request.
    ///
    /// At least 5 MiB by S3's rules.
    package var partSize = 8 << 20
    /// The most parts of an object, by S3's rules.
    package var partCount = 10_000
    /// How often a request is tried.
    package var attempts = 6
    /// The longest pause before the second try; it doubles with every further one.
    package var firstPause: Duration = .milliseconds(200)
    /// The longest pause.
    package var longestPause: Duration = .seconds(10)
    /// How long a server may be silent.
    package var silence: Duration = .seconds(60)
    /// How long one request may take, however alive the server seems.
    package var patience: Duration = .seconds(900)
    /// How many names a page of a listing has.
    package var pageSize = 1_000

    /// The defaults.
    package init() {}

    /// The longest pause before a try, counted from 1; the real one is random, so that clients do not come back together.
    func pause(before attempt: Int) -> Duration {
        min(longestPause, firstPause * (1 << min(attempt - 1, 16)))
    }
}
