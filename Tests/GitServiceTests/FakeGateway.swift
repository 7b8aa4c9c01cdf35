import Base
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import ServiceLifecycle
import Synchronization

/// Takes webhooks like the gateway does, and answers as it is told.
final class FakeGateway: Service {
    struct Received: Sendable {
        let project: String
        let id: String
        let event: String
        let signature: String
        let body: [UInt8]
        let push: GitEvent
    }

    private struct State {
        var received: [Received] = []
        var answers: [HTTPResponse.Status] = []
    }

    let socketPath: String
    private let state = Mutex(State())

    init(socketPath: String) {
        self.socketPath = socketPath
    }

    /// Everything that was accepted, in order.
    var received: [Received] { state.withLock(\.received) }

    /// Refuses the next deliveries with these answers.
    func refuse(with answers: [HTTPResponse.Status]) {
        state.withLock { $0.answers = answers }
    }

    /// How many answers are left to be given.
    var answersLeft: Int { state.withLock(\.answers.count) }

    func run() async throws {
        let router = Router()
        router.post("/webhooks") { [self] request, _ in
            let refusal = state.withLock { $0.answers.isEmpty ? nil : $0.answers.removeFirst() }
            if let refusal { return Response(status: refusal) }
            let body = Array(try await request.body.collect(upTo: 1 << 20).readableBytesView)
            let header = { (name: String) in HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
            let received = Received(
                project: request.uri.queryParameters["projectid"].map(String.init) ?? "",
                id: header("X-Martlet-Delivery"),
                event: header("X-Martlet-Event"),
                signature: header("X-Martlet-Signature"),
                body: body,
                push: try JSONCoding.decode(GitEvent.self, from: body)
            )
            state.withLock { $0.received.append(received) }
            return Response(status: .ok)
        }
        var logger = Logger(label: "gateway")
        logger.logLevel = .error
        try await Application(
            router: router,
            configuration: .init(address: .unixDomainSocket(path: socketPath)),
            logger: logger
        ).run()
    }
}
