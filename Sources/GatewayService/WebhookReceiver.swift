import Base
import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Model
import RunConfig
import ServiceKit
import WorkerClients

/// Takes the webhooks by which the git server, like any forge, announces pushes.
struct WebhookReceiver: Sendable {
    let configstore: ConfigStoreClient
    let submission: RunSubmission

    func add(to router: Router<GatewayContext>) {
        router.post("/webhooks") { request, _ in try await receive(request) }
    }

    private func receive(_ request: Request) async throws -> Response {
        guard let id = request.query("projectid"), !id.isEmpty else {
            throw APIError(.badRequest, "The parameter projectid is missing.")
        }
        let bytes = try await request.bytes(limit: 1 << 20)
        let placed = try await relay(ProjectRoutes.lookUp) { try await configstore.project(byID: ProjectID(id)) }
        try Self.verify(request, bytes, secret: placed.project.webhookSecret)
        guard let delivery = request.headers[.martletDelivery], !delivery.isEmpty, delivery.utf8.count <= 100 else {
            throw APIError(.badRequest, "The header X-Martlet-Delivery is missing.")
        }
        guard request.headers[.martletEvent] == GitEvent.Kind.push.rawValue else {
            throw APIError(.badRequest, "Only push events are known.")
        }
        let event = try Self.event(bytes)
        // By the body, which the signature covers and which names the moment of the push: a header can be made up.
        let key = "\(HexText.text(SHA256.hash(data: Data(bytes))))|\(placed.project.id)"
        try await withLogger(mergingMetadata: ["request": "\(delivery)"]) { _ in
            try await submit(event, to: placed, key: key)
        }
        return .empty(.ok)
    }

    private func submit(_ event: GitEvent, to placed: PlacedProject, key: String) async throws {
        let context = try RefContext.context(of: event.ref, commit: event.commit, pullRequestPatterns: [])
        do {
            _ = try await submission.submit(
                RunSubmission.Request(
                    owner: .project(placed),
                    repository: placed.project.repositoryPath,
                    context: context,
                    message: context.refType == .tag ? "Tag \(context.tag)" : event.message,
                    trigger: .webhook,
                    key: key
                )
            )
        } catch let error as APIError where error.code == "configFileDoesNotExist" {
            // Many repositories have no pipeline on some branches; that is no fault of the delivery.
            Logger.current.info("push without pipeline file", metadata: ["project": "\(placed.project.id)"])
        }
    }

    private static func verify(_ request: Request, _ bytes: [UInt8], secret: SecretValue) throws {
        let refusal = APIError(.badRequest, code: "invalidSignature", "The webhook's signature is missing or wrong.")
        guard let header = request.headers[.martletSignature], header.hasPrefix("sha256=") else { throw refusal }
        let mac = HMAC<SHA256>.authenticationCode(
            for: Data(bytes),
            using: SymmetricKey(data: Data(secret.revealed.utf8))
        )
        guard ConstantTime.equal(String(header.dropFirst(7)), HexText.text(mac)) else { throw refusal }
    }

    private static func event(_ bytes: [UInt8]) throws -> GitEvent {
        do {
            return try JSONCoding.decode(GitEvent.self, from: bytes)
        } catch {
            throw APIError(.badRequest, code: "invalidBody", "The webhook's body is not a push event.", cause: error)
        }
    }
}

extension HTTPField.Name {
    fileprivate static let martletEvent = HTTPField.Name.literal("X-Martlet-Event")
    fileprivate static let martletDelivery = HTTPField.Name.literal("X-Martlet-Delivery")
    fileprivate static let martletSignature = HTTPField.Name.literal("X-Martlet-Signature")
}
