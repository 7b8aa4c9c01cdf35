import Base
import HTTPTransport
import HTTPTypes

/// The way to one bucket: signs, sends, tries again what may pass, and turns refusals into errors of the contract.
struct S3Connection: Sendable {
    /// The most bytes of an answer that is not an object.
    static let answerLimit = 8 << 20

    let limits: S3Limits
    let bucket: String
    private let client: HTTPClient
    private let endpoint: HTTPEndpoint
    private let prefix: String
    private let signature: AWSSignature

    /// - Throws: ``ObjectStorageError`` of kind unavailable when the configuration cannot work.
    init(_ configuration: S3Configuration, client: HTTPClient, limits: S3Limits) throws(ObjectStorageError) {
        self.limits = limits
        self.client = client
        bucket = configuration.bucket
        prefix = configuration.usesPathStyle ? "/" + configuration.bucket : ""
        signature = AWSSignature(
            accessKey: configuration.accessKey,
            secretAccessKey: configuration.secretAccessKey,
            region: configuration.location,
            service: "s3"
        )
        func refused(_ why: String, _ cause: (any Error)? = nil) -> ObjectStorageError {
            ObjectStorageError(.unavailable, name: configuration.bucket, why, cause: cause)
        }
        guard S3Configuration.isBucketName(bucket) else { throw refused("the bucket's name is not allowed") }
        guard S3Configuration.isLocation(configuration.location) else { throw refused("the location is not allowed") }
        guard !configuration.accessKey.isEmpty, Self.isPlain(configuration.accessKey),
            Self.isPlain(configuration.secretAccessKey.revealed)
        else { throw refused("the access key has characters that are not allowed") }
        do {
            endpoint = try configuration.server()
        } catch {
            throw refused("the endpoint is not the URL of a server", error)
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    // MARK: - Requests

    /// Sends a request, again if need be, and returns the answer if it is a success or has one of the `expected` statuses.
    /// - Throws: ``ObjectStorageError``, or `CancellationError`.
    func send(
        _ request: S3Request,
        about name: String,
        expecting expected: Set<Int> = [],
        limit bytes: Int = answerLimit
    ) async throws -> S3Answer {
        var attempt = 1
        while true {
            let (answer, error) = try await once(request, name: name, limit: bytes)
            if let answer, answer.isSuccess || expected.contains(answer.status) { return answer }
            guard attempt < limits.attempts, mayRepeat(request, attempt, answer, error) else {
                if answer?.status == 412, request.headers[.ifMatch] != nil {
                    throw ObjectStorageError(.replaced, name: name)
                }
                throw Self.error(name, answer, error, attempts: attempt)
            }
            try await Task.sleep(for: limits.pause(before: attempt) * Double.random(in: 0...1))
            attempt += 1
        }
    }

    /// Sends a request whose answer nobody waits for: the last word of a task that was cancelled.
    func dispatch(_ request: S3Request) {
        client.dispatch(call(request, limit: Self.answerLimit))
    }

    private func once(
        _ request: S3Request,
        name: String,
        limit: Int
    ) async throws -> (answer: S3Answer?, error: HTTPTransportError?) {
        do {
            let reply = try await client.send(call(request, limit: limit))
            return (S3Answer(status: reply.status, headers: reply.headers, body: try await reply.collect()), nil)
        } catch let error as HTTPTransportError {
            return (nil, error)
        }
    }

    private func call(_ request: S3Request, limit: Int) -> HTTPCall {
        var call = HTTPCall(request.method, endpoint, request.path(after: prefix), headers: request.headers)
        if let body = request.body { call.body = .bytes(body) }
        call.signature = signature
        call.idleTimeout = limits.silence
        call.deadline = .after(limits.patience)
        call.responseLimit = limit
        return call
    }

    private func mayRepeat(
        _ request: S3Request,
        _ attempt: Int,
        _ answer: S3Answer?,
        _ error: HTTPTransportError?
    ) -> Bool {
        if let answer {
            // These two say that nothing was done.
            return answer.isPassing && (request.isRepeatable || [429, 503].contains(answer.status))
        }
        switch error?.kind {
        case .cannotConnect: return true
        case .brokenTransfer: return request.isRepeatable
        // A server that is silent for a minute is asked once more and not for ever.
        case .timedOut: return request.isRepeatable && attempt == 1
        default: return false
        }
    }

    private static func error(
        _ name: String,
        _ answer: S3Answer?,
        _ error: HTTPTransportError?,
        attempts: Int
    ) -> ObjectStorageError {
        let tries = attempts > 1 ? " after \(attempts) tries" : ""
        guard let answer else {
            let advice =
                error?.kind == .tls
                ? ", because its certificate is not trusted; for a private authority, objectStorage.caFile names its certificate"
                : ""
            return ObjectStorageError(.unavailable, name: name, "S3 cannot be asked\(tries)\(advice)", cause: error)
        }
        let refusal = answer.refusal
        let words = [refusal.code, refusal.message].filter { !$0.isEmpty }.joined(separator: ": ")
        if answer.status == 404, refusal.code != "NoSuchBucket" { return ObjectStorageError(.notExist, name: name) }
        let said = "S3 answered \(answer.status)\(tries)" + (words.isEmpty ? "" : ", \(words)")
        return ObjectStorageError(.unavailable, name: name, said)
    }
}
