import Base
import HTTPTypes

/// The bucket itself.
struct S3Bucket {
    let connection: S3Connection

    /// Makes the bucket, unless it is there.
    func create(in location: String) async throws {
        let name = connection.bucket
        if try await connection.send(S3Request(.head, nil), about: name, expecting: [404]).isSuccess { return }
        // Elsewhere than in the first region the bucket's place must be said, and there it must not be.
        let place =
            "<CreateBucketConfiguration><LocationConstraint>\(location)</LocationConstraint></CreateBucketConfiguration>"
        let body = location == "us-east-1" ? nil : Array(place.utf8)
        // Somebody else may make it at the same moment: what counts is that it is ours afterwards.
        _ = try await connection.send(S3Request(.put, nil, body: body), about: name, expecting: [409])
        _ = try await connection.send(S3Request(.head, nil), about: name)
    }
}
