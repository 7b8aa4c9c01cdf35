import Base
import Crypto
import HTTPTypes

/// An object in a bucket, read by ranges; its tag keeps the parts of two versions apart.
struct S3ObjectReader: ObjectReader {
    let connection: S3Connection
    let name: String
    let size: Int64
    let tag: String?

    /// Large, because every chunk is a request.
    var chunkSize: Int64 { 4 << 20 }

    @concurrent func read(_ range: Range<Int64>) async throws -> [UInt8] {
        let range = range.clamped(to: 0..<size)
        guard !range.isEmpty else { return [] }
        let isWhole = range == 0..<size
        var headers = HTTPFields()
        if let tag { headers[.ifMatch] = tag }
        if !isWhole { headers[.range] = "bytes=\(range.lowerBound)-\(range.upperBound - 1)" }
        let request = S3Request(.get, name, headers: headers)
        let answer = try await connection.send(request, about: name, limit: max(range.count, 64 << 10))
        try check(answer, range, isWhole)
        return answer.body
    }

    private func check(_ answer: S3Answer, _ range: Range<Int64>, _ isWhole: Bool) throws(ObjectStorageError) {
        func refused(_ why: String) -> ObjectStorageError { ObjectStorageError(.unavailable, name: name, why) }
        if let tag, let now = answer.tag, now != tag { throw ObjectStorageError(.replaced, name: name) }
        if isWhole {
            guard answer.status == 200 else { throw refused("S3 answered \(answer.status) to a read") }
        } else {
            let place = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            guard answer.status == 206, answer.headers[.contentRange] == place else {
                throw refused("S3 answered another range than the one that was asked for")
            }
        }
        guard answer.body.count == range.count else {
            throw refused("S3 sent \(answer.body.count) bytes instead of \(range.count)")
        }
        guard isWhole, let digest = answer.digest else { return }
        guard HexText.text(Insecure.MD5.hash(data: answer.body)) == digest else {
            throw refused("S3 sent other bytes than it has a checksum of")
        }
    }
}
