import Base
import Hummingbird
import Store

/// Makes the responders of a service's modes.
struct ModeRoutes: Sendable {
    let name: String
    let token: SecretValue?

    /// Normal operation.
    func open(
        _ parts: MaintainedService.Parts,
        _ maintenance: MaintenanceRoutes
    ) -> any HTTPResponder<ServiceContext> {
        let (router, routes) = router(nil)
        maintenance.add(to: routes.group("api/v1alpha"), mode: .normal)
        parts.addRoutes(routes)
        return router.buildResponder()
    }

    /// Any other mode: health, and the routes of maintenance once the store is open.
    func closed(
        _ mode: ServiceInstance.Mode,
        routes maintenance: MaintenanceRoutes?
    ) -> any HTTPResponder<ServiceContext> {
        let refusal =
            switch mode {
            case .starting, .normal:
                APIError(.unavailable, "The \(name) is still starting. Try again in a moment.")
            case .switching, .maintenance:
                APIError(.unavailable, code: "maintenance", "The \(name) is in maintenance. Try again later.")
            }
        let (router, routes) = router(refusal, opensMaintenance: maintenance != nil)
        maintenance?.add(to: routes.group("api/v1alpha"), mode: mode)
        return router.buildResponder()
    }

    private func router(
        _ refusal: APIError?,
        opensMaintenance: Bool = true
    ) -> (ServiceRouter, RouterGroup<ServiceContext>) {
        let router = ServiceRouter(context: ServiceContext.self)
        router.addMiddleware {
            RequestLogMiddleware()
            ErrorMiddleware()
        }
        if let refusal {
            router.add(middleware: ClosedMiddleware(refusal: refusal, opensMaintenance: opensMaintenance))
        }
        let health = refusal.map { HealthRoutes(refusal: $0) { false } } ?? HealthRoutes { true }
        health.add(to: router)
        return (router, router.group().add(middleware: InternalTokenMiddleware(token: token)))
    }
}

/// Refuses everything but health and maintenance, whether or not there would be such a route in normal operation.
private struct ClosedMiddleware: RouterMiddleware {
    let refusal: APIError
    let opensMaintenance: Bool

    func handle(
        _ request: Request,
        context: ServiceContext,
        next: @concurrent (Request, ServiceContext) async throws -> Response
    ) async throws -> Response {
        let path = request.uri.path
        let isOpen =
            HealthRoutes.paths.contains(path) || opensMaintenance && MaintenanceRoutes.contain(path)
        guard isOpen else { throw refusal }
        return try await next(request, context)
    }
}
