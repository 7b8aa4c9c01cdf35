public import Base

/// Signs a request as Amazon's services and S3 of any vendor want it (Signature Version 4).
///
/// libcurl 7.88 signs the query as it stands, so it must be sorted and every name followed by `=`; it signs `Host`, the date and
/// the fields of the call, so a call with a body must carry `Content-Type` and any call `x-amz-content-sha256`.
public struct AWSSignature: Sendable, Hashable {
    /// The name of the key.
    public var accessKey: String
    /// The key itself.
    public var secretAccessKey: SecretValue
    /// The region that the server belongs to.
    public var region: String
    /// The service, as `s3`.
    public var service: String

    /// Describes a signer.
    public init(accessKey: String, secretAccessKey: SecretValue, region: String, service: String) {
        self.accessKey = accessKey
        self.secretAccessKey = secretAccessKey
        self.region = region
        self.service = service
    }

    /// The form of libcurl's option.
    var scope: String { "aws:amz:\(region):\(service)" }
}
