import Base
import Crypto
import HTTPTypes

/// One upload in parts, from its beginning to its end.
struct S3Upload {
    let connection: S3Connection
    let name: String
    let id: String
    /// The bytes that were sent.
    private(set) var size: Int64 = 0
    private var parts: [(tag: String, digest: [UInt8])] = []

    init(connection: S3Connection, name: String, id: String) {
        self.connection = connection
        self.name = name
        self.id = id
    }

    var partCount: Int { parts.count }

    /// Sends the next part.
    mutating func send(_ bytes: [UInt8]) async throws {
        let query = [("partNumber", String(parts.count + 1)), ("uploadId", id)]
        let answer = try await connection.send(S3Request(.put, name, query: query, body: bytes), about: name)
        let digest = S3Uploads.digest(of: bytes)
        try S3Uploads.check(answer, against: digest, name)
        guard let tag = answer.tag, tag.utf8.count <= 1024 else {
            throw ObjectStorageError(.unavailable, name: name, "S3 took a part without giving it a tag")
        }
        parts.append((tag, digest))
        size += Int64(bytes.count)
    }

    /// Makes the parts the object.
    ///
    /// When the answer is lost, the question is asked again; that the upload is gone then may mean that it was completed.
    func complete() async throws {
        var xml = "<CompleteMultipartUpload>"
        for (index, part) in parts.enumerated() {
            xml += "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(Self.escaped(part.tag))</ETag></Part>"
        }
        xml += "</CompleteMultipartUpload>"
        let request = S3Request(.post, name, query: [("uploadId", id)], body: Array(xml.utf8))
        var attempt = 1
        while true {
            let answer = try await connection.send(request, about: name, expecting: [404])
            if answer.status == 404 { return try await checkCompleted() }
            // A server that takes long begins to say 200 before it knows.
            let code = answer.refusal.code
            if code.isEmpty { return try check(answer) }
            guard ["InternalError", "SlowDown", "ServiceUnavailable"].contains(code),
                attempt < connection.limits.attempts
            else { throw refused("S3 could not put the parts together: \(code)") }
            try await Task.sleep(for: connection.limits.pause(before: attempt) * Double.random(in: 0...1))
            attempt += 1
        }
    }

    /// Ends the upload without an object, also when the task was cancelled.
    func abort() async {
        let request = S3Request(.delete, name, query: [("uploadId", id)])
        do {
            _ = try await connection.send(request, about: name, expecting: [404])
        } catch {
            // What failed already is told to the caller. Opening the store ends what is still there.
            connection.dispatch(request)
        }
    }

    private func check(_ answer: S3Answer) throws(ObjectStorageError) {
        _ = try S3Uploads.read(answer, "CompleteMultipartUploadResult", name)
    }

    private func checkCompleted() async throws {
        let answer: S3Answer
        do {
            answer = try await connection.send(S3Request(.head, name), about: name)
        } catch  where ObjectStorageError.isNotExist(error) {
            throw refused("S3 has forgotten the upload")
        }
        let digest = HexText.text(Insecure.MD5.hash(data: parts.flatMap(\.digest)))
        let isOurs = answer.tag?.contains("\(digest)-\(parts.count)") == true
        guard isOurs, try answer.facts(of: name).size == size else { throw refused("S3 has forgotten the upload") }
    }

    private func refused(_ why: String) -> ObjectStorageError {
        ObjectStorageError(.unavailable, name: name, why)
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
