import FastCGI
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// A constant JSON route of a Hummingbird router over FastCGI, to be measured beside `BareFastCGI`.
///
///     RouterFastCGI API-SOCKET STREAM-SOCKET
@main
struct RouterFastCGI {
    static func main() async throws {
        let router = Router(context: BenchmarkContext.self)
        router.get("api/v1alpha/version") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(string: #"{"version":"0.1.0"}"#))
            )
        }
        router.get("api/v1alpha/logs") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain"],
                body: .init { writer in
                    while true {
                        try await writer.write(ByteBuffer(string: "a line\n"))
                        try await Task.sleep(for: .seconds(5))
                    }
                }
            )
        }
        router.get("api/v1alpha/blob") { _, _ in
            let chunk = ByteBuffer(repeating: 120, count: 64 << 10)
            return Response(
                status: .ok,
                body: .init { writer in
                    for _ in 0..<16384 { try await writer.write(chunk) }
                    try await writer.finish(nil)
                }
            )
        }
        router.post("api/v1alpha/upload") { request, _ in
            var count = 0
            for try await part in request.body { count += part.readableBytes }
            return "\(count)\n"
        }
        let responder = router.buildResponder()
        let services = zip(["api", "stream"], CommandLine.arguments.dropFirst()).map { name, path in
            FastCGIServer(
                configuration: FastCGIConfiguration(
                    socketPath: path,
                    threads: 32,
                    name: name,
                    bodyLimit: nil,
                    drainTime: .seconds(1)
                ),
                responder: responder
            )
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "benchmark")
            )
        )
        try await group.run()
    }
}

/// The least that a context needs.
struct BenchmarkContext: TransportRequestContext {
    var coreContext: CoreRequestContextStorage

    init(transport: TransportContextSource) {
        coreContext = .init(source: transport)
    }
}
