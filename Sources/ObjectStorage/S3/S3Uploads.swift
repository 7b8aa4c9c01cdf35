import Base
import Crypto
import FoundationEssentials
import HTTPTypes

/// The uploads of objects that are sent in parts; nobody sees a part before the whole is complete.
struct S3Uploads {
    /// Uploads older than this were abandoned by a process that died.
    private static let patience: Double = 24 * 3600

    let connection: S3Connection

    /// Begins an upload.
    func begin(_ name: String) async throws -> S3Upload {
        // A repeated request would leave an upload behind that nobody knows of.
        let request = S3Request(.post, name, query: [("uploads", "")], body: [], isRepeatable: false)
        let answer = try await connection.send(request, about: name)
        let root = try Self.read(answer, "InitiateMultipartUploadResult", name)
        guard let id = root["UploadId"], !id.isEmpty, id.utf8.count <= 4096 else {
            throw ObjectStorageError(.unavailable, name: name, "S3 began an upload without an id")
        }
        return S3Upload(connection: connection, name: name, id: id)
    }

    /// Ends uploads that a process left behind when it died.
    func endAbandoned(prefix: String, olderThan seconds: Double = patience) async throws {
        var query = [("encoding-type", "url"), ("max-uploads", "1000"), ("uploads", "")]
        if !prefix.isEmpty { query.append(("prefix", prefix)) }
        let name = connection.bucket
        // Not every S3 lists uploads, and not every key may; then the bucket's own rules have to end them.
        let request = S3Request(.get, nil, query: query)
        let answer = try await connection.send(request, about: name, expecting: [400, 403, 404, 405, 501])
        guard answer.isSuccess else { return }
        let root = try Self.read(answer, "ListMultipartUploadsResult", name)
        let isEncoded = root["EncodingType"] == "url"
        for upload in root.children where upload.name == "Upload" {
            guard let key = upload["Key"].flatMap({ S3Walk.decoded($0, isEncoded) }), key.hasPrefix(prefix),
                let id = upload["UploadId"], let begun = upload["Initiated"].flatMap(Timestamp.date),
                begun.timeIntervalSinceNow < -seconds
            else { continue }
            let abort = S3Request(.delete, key, query: [("uploadId", id)])
            _ = try await connection.send(abort, about: key, expecting: [403, 404])
        }
    }

    static func digest(of bytes: [UInt8]) -> [UInt8] {
        Array(Insecure.MD5.hash(data: bytes))
    }

    /// Compares what the server stored with what was sent.
    static func check(_ answer: S3Answer, against digest: [UInt8], _ name: String) throws(ObjectStorageError) {
        guard let stored = answer.digest, stored != HexText.text(digest) else { return }
        throw ObjectStorageError(.unavailable, name: name, "S3 stored other bytes than were sent")
    }

    /// Reads an answer whose outermost element is known.
    static func read(_ answer: S3Answer, _ element: String, _ name: String) throws(ObjectStorageError) -> XMLElement {
        do {
            let root = try XMLReader.read(answer.body)
            if root.name == element { return root }
        } catch {
            throw ObjectStorageError(.unavailable, name: name, "S3's answer cannot be read", cause: error)
        }
        let code = answer.refusal.code
        throw ObjectStorageError(.unavailable, name: name, "S3 answered \(code.isEmpty ? "something else" : code)")
    }
}
