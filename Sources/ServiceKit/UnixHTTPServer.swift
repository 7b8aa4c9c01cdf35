import Base
package import Hummingbird
import Logging
import ServiceLifecycle

/// Hummingbird's HTTP server on a Unix socket of mode 0660.
package struct UnixHTTPServer<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    private let name: String
    private let socketPath: String
    private let responder: Responder
    private let onListening: @Sendable () async -> Void

    // A Unix socket refuses connections beyond its queue at once; a thousand followers may come back together after a restart.
    private static var backlog: Int { 4_096 }

    /// Prepares a server.
    /// - Parameters:
    ///   - name: the service, for logs.
    ///   - socketPath: where to listen; an abandoned socket is replaced, a live one refused.
    ///   - responder: answers.
    ///   - onListening: called once requests are accepted.
    package init(
        name: String,
        socketPath: String,
        responder: Responder,
        onListening: @escaping @Sendable () async -> Void = {}
    ) {
        self.name = name
        self.socketPath = socketPath
        self.responder = responder
        self.onListening = onListening
    }

    /// Serves until graceful shutdown, which lets running requests end.
    /// - Throws: ``Failure`` when the socket cannot be used.
    package func run() async throws {
        try await SocketFile.prepare(socketPath)
        let path = socketPath
        let onListening = onListening
        var logger = Logger.current
        logger[metadataKey: "service"] = "\(name)"
        let application = Application(
            responder: responder,
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: path),
                serverName: nil,
                backlog: Self.backlog
            ),
            onServerRunning: { _ in
                SocketFile.open(path)
                await onListening()
            },
            logger: logger
        )
        try await attempt("serve \(name) on \(path)") { try await application.run() }
    }
}
