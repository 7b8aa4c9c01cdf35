import Base
import FoundationEssentials
import GatewayClient
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Answers like a gateway, from a script: the shapes of the public API with values of the test's own.
final class FakeServer: Sendable {
    /// A request as it arrived.
    struct Received: Sendable {
        let method: String
        let path: String
        let query: String
        let headers: HTTPFields
        let body: String
    }

    /// What to answer.
    struct Answer: Sendable {
        var status = HTTPResponse.Status.ok
        var headers = HTTPFields()
        var body = ""
        /// Whether the connection breaks off after the body.
        var breaksOff = false

        static func json(_ body: String, _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Answer {
            Answer(status: status, headers: headers, body: body)
        }

        static func error(_ status: HTTPResponse.Status, _ code: String, _ message: String) -> Answer {
            .json(#"[{"code":"\#(code)","message":"\#(message)"}]"#, status)
        }
    }

    private struct Broken: Error {}

    private let received = Mutex<[Received]>([])
    private let script: @Sendable (Received, Int) -> Answer

    /// Everything that was asked for, in order.
    var requests: [Received] { received.withLock(\.self) }

    private init(_ script: @escaping @Sendable (Received, Int) -> Answer) {
        self.script = script
    }

    /// Runs `body` beside a server; the script gets each request, and how many came before it to the same path.
    static func with(
        _ script: @escaping @Sendable (Received, Int) -> Answer,
        _ body: @escaping @Sendable (FakeServer, String) async throws -> Void
    ) async throws {
        let server = FakeServer(script)
        let router = Router()
        for method in [HTTPRequest.Method.get, .post, .put, .delete] {
            router.on("**", method: method) { request, _ in try await server.answer(request) }
        }
        let (ports, port) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                port.yield(channel.localAddress?.port ?? 0)
                port.finish()
            },
            logger: Logger(label: "fake") { _ in SwiftLogNoOpLogHandler() }
        )
        let services = ServiceGroup(services: [application], logger: application.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            for await number in ports { try await body(server, "http://127.0.0.1:\(number)") }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    private func answer(_ request: Request) async throws -> Response {
        let bytes = Array(try await request.body.collect(upTo: 1 << 20).readableBytesView)
        let arrived = Received(
            method: request.method.rawValue,
            path: request.uri.path,
            query: request.uri.query ?? "",
            headers: request.headers,
            body: String(decoding: bytes, as: UTF8.self)
        )
        let earlier = received.withLock { received in
            received.append(arrived)
            return received.dropLast().count { $0.path == arrived.path && $0.method == arrived.method }
        }
        let answer = script(arrived, earlier)
        guard answer.breaksOff else {
            let body = ResponseBody(byteBuffer: ByteBuffer(string: answer.body))
            return Response(status: answer.status, headers: answer.headers, body: body)
        }
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: answer.body))
            throw Broken()
        }
        return Response(status: answer.status, headers: answer.headers, body: body)
    }
}
