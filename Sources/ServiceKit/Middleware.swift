package import Base
package import Hummingbird
import HTTPTypes
import Logging
import Model
import NIOCore
import Store
import Synchronization

/// Turns errors thrown by routes into the JSON body of all our services: the one place where errors become HTTP.
///
/// The first ``APIError`` of the chain decides what the caller sees; the whole chain goes to the log. Cancellation means that
/// the caller is gone: nobody reads the answer and nothing is logged.
package struct ErrorMiddleware<Context: RequestContext>: RouterMiddleware {
    /// Makes the middleware.
    package init() {}

    /// Answers with the error's body when the route throws.
    package func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return try answer(to: normalized(error, request))
        }
    }

    private func answer(to error: any Error) throws -> Response {
        let (response, status) = try Response.refusal(error)
        if ErrorChain(error).isCancellation {
            Logger.current.debug("request cancelled")
        } else if status >= 500, status != ErrorKind.unavailable.status {
            Logger.current.error("request failed", error: error)
        } else {
            Logger.current.debug("request refused", error: error)
        }
        return response
    }

    // The router's own refusals, such as an unknown path, arrive as Hummingbird's errors.
    private func normalized(_ error: any Error, _ request: Request) -> any Error {
        if StoreError.kind(of: error) == .epochChanged, ErrorChain(error).first(APIError.self) == nil {
            let message = "The content of the service was replaced just now. Try again in a moment."
            return APIError(.unavailable, code: "maintenance", message, cause: error)
        }
        guard let foreign = error as? any HTTPResponseError else { return error }
        switch foreign.status.code {
        case 404:
            return APIError(.notExist, code: "routeDoesNotExist", "There is no \(request.method) \(request.uri.path).")
        case 400..<500:
            return APIError(.badRequest, "The request is not understood.", cause: error)
        default:
            return error
        }
    }
}

extension Response {
    /// The answer that an error stands for; what may be tried again later says when.
    static func refusal(_ error: any Error) throws -> (response: Response, status: Int) {
        let (status, body) = ErrorBody.answer(to: error)
        var response = try Response.json(body, status: HTTPResponse.Status(code: status))
        if status == ErrorKind.unavailable.status { response.headers[.retryAfter] = "2" }
        return (response, status)
    }
}

/// Writes one line for each request, with the time it took to begin its answer.
package struct RequestLogMiddleware<Context: RequestContext>: RouterMiddleware {
    /// Makes the middleware.
    package init() {}

    /// Logs the request when it has been answered.
    package func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let took = ContinuousClock.now - start
        Logger.current.debug(
            "request served",
            metadata: [
                "request": "\(request.method) \(request.uri.path)",
                "status": "\(response.status.code)",
                "ms": "\(took / .milliseconds(1))",
            ]
        )
        return response
    }
}

/// Lets only those in who know the installation's internal token; without a configured token the socket's mode decides.
package struct InternalTokenMiddleware<Context: RequestContext>: RouterMiddleware {
    private let token: SecretValue?

    /// Makes the middleware.
    package init(token: SecretValue?) {
        self.token = token
    }

    /// Refuses requests without the token.
    package func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let token else { return try await next(request, context) }
        let given = AuthorizationHeader.token(in: request.headers[.authorization])
        guard let given, ConstantTime.equal(given, token.revealed) else {
            throw APIError(.unauthorized, "This service speaks only to the other services of its installation.")
        }
        return try await next(request, context)
    }
}

/// Reads `Authorization: token <value>`.
package enum AuthorizationHeader {
    /// The token, or nil when the header is absent or of another scheme.
    package static func token(in header: String?) -> String? {
        guard let header else { return nil }
        let parts = header.drop { $0 == " " }.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "token", !parts[1].isEmpty else { return nil }
        return String(parts[1])
    }
}

/// Comparisons whose time does not depend on where the values differ.
package enum ConstantTime {
    /// Whether two texts are equal; only their lengths may be learnt from the time it takes.
    package static func equal(_ left: String, _ right: String) -> Bool {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
