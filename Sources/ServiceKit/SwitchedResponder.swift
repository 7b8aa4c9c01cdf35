import Base
import Hummingbird
import Model
import Synchronization

/// Answers with the routes of the mode that a service is in; requests end in the mode in which they began.
final class SwitchedResponder: HTTPResponder {
    /// How long requests may go on when their mode ends.
    static let grace: Duration = .seconds(10)
    /// How long exports may go on: they read a copy, and hold nobody up.
    static let exportGrace: Duration = .seconds(60)

    private struct Phase {
        let responder: any HTTPResponder<ServiceContext>
        let requests: RunningRequests
    }

    private let phase: Mutex<Phase>

    init(_ responder: any HTTPResponder<ServiceContext>) {
        phase = Mutex(Phase(responder: responder, requests: RunningRequests()))
    }

    /// Lets new requests meet other routes.
    /// - Returns: the requests that still run.
    @discardableResult
    func turn(to responder: any HTTPResponder<ServiceContext>) -> RunningRequests {
        phase.withLock { phase in
            defer { phase = Phase(responder: responder, requests: RunningRequests()) }
            return phase.requests
        }
    }

    @Sendable func respond(to request: Request, context: ServiceContext) async throws -> Response {
        let isExport = request.uri.path == MaintenanceRoutes.exportPath
        let (responder, end, mark) = phase.withLock { phase in
            (phase.responder, phase.requests.end, isExport ? nil : phase.requests.begin())
        }
        let response = try await ModeEnd.$current.withValue(end) {
            try await end.cancelling(after: isExport ? Self.exportGrace : Self.grace) {
                try await responder.respond(to: request, context: context)
            }
        }
        guard var response else {
            let message = "The service changes its mode. Try again in a moment."
            return try Response.refusal(APIError(.unavailable, code: "maintenance", message)).response
        }
        guard response.body.contentLength == nil || isExport else { return response }
        // A body is written after this function has returned, and belongs to the mode all the same.
        let body = response.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            defer { withExtendedLifetime(mark) {} }
            let writer = writer
            try await ModeEnd.$current.withValue(end) { try await body.write(writer) }
        }
        return response
    }
}

/// The requests of a mode that have not ended.
final class RunningRequests: Sendable {
    /// A request that runs as long as this value lives.
    final class Mark: Sendable {
        private let requests: RunningRequests

        fileprivate init(_ requests: RunningRequests) {
            self.requests = requests
        }

        deinit {
            requests.leave()
        }
    }

    /// The end of their mode.
    let end = ModeEnd()
    private let count = Mutex(0)
    private let left = Bell()

    /// Counts a request.
    func begin() -> Mark {
        count.withLock { $0 += 1 }
        return Mark(self)
    }

    /// Ends the mode and waits for its requests, those that are cancelled included.
    /// - Throws: `CancellationError`.
    func drain() async throws {
        end.begin()
        let deadline = Deadline.after(SwitchedResponder.grace + .seconds(5))
        while true {
            let seen = left.count
            if count.withLock({ $0 }) == 0 { return }
            guard try await left.wait(beyond: seen, until: deadline) else { return }
        }
    }

    private func leave() {
        count.withLock { $0 -= 1 }
        left.ring()
    }
}
