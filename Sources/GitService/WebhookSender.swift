import Base
import Crypto
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Logging

/// Sends a delivery to the gateway like any forge would: a signed webhook.
struct WebhookSender: Sendable {
    private let client: HTTPClient
    private let gateway: HTTPEndpoint
    private let outbox: Outbox

    /// The gateway evaluates the commit's pipeline before it answers.
    private static let timeout: Duration = .seconds(60)

    /// Sends to the gateway at `gateway`, signing with the secrets in `outbox`.
    init(client: HTTPClient, gateway: HTTPEndpoint, outbox: Outbox) {
        self.client = client
        self.gateway = gateway
        self.outbox = outbox
    }

    /// Makes one attempt.
    /// - Throws: ``HTTPTransportError`` when no answer came.
    func send(_ delivery: Delivery) async throws -> DeliveryQueue.Outcome {
        guard let secret = try await outbox.secret(of: delivery.project, repository: delivery.repository) else {
            return .done
        }
        let call = HTTPCall(
            .post,
            gateway,
            "/webhooks?projectid=\(PercentEncoding.query(delivery.project.text))",
            headers: try Self.headers(of: delivery, secret),
            body: .bytes(Array(delivery.body.utf8)),
            deadline: .after(Self.timeout)
        )
        let reply = try await client.send(call)
        guard reply.status >= 300 else { return .done }
        let answer = String(decoding: try await reply.collect().prefix(1_000), as: UTF8.self)
        Logger.current.warning(
            "push was not accepted",
            metadata: [
                "delivery": "\(delivery.id)", "project": "\(delivery.project)", "status": "\(reply.status)",
                "answer": "\(answer)",
            ]
        )
        return (400..<500).contains(reply.status) && reply.status != 429 ? .refused : .unreachable
    }

    static func headers(of delivery: Delivery, _ secret: SecretValue) throws -> HTTPFields {
        let key = SymmetricKey(data: Data(secret.revealed.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Data(delivery.body.utf8), using: key)
        return [
            .contentType: "application/json",
            try name("X-Martlet-Event"): "push",
            try name("X-Martlet-Delivery"): delivery.id,
            try name("X-Martlet-Signature"): "sha256=\(HexText.text(code))",
        ]
    }

    private static func name(_ text: String) throws -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { throw Failure("\(text) is no header name") }
        return name
    }
}
