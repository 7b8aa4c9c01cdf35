package import Hummingbird

/// The routes by which a restore begins and ends in a service.
package struct RestoreRoutes: Sendable {
    /// Whether a restore may begin.
    private struct State: Encodable {
        /// Whether the service holds nothing yet.
        let isEmpty: Bool
        /// The backup whose restore has begun.
        let backup: String?
    }

    private let mark: RestoreMark
    private let isOpen: Bool
    private let isEmpty: @Sendable () async throws -> Bool
    private let onEnd: @Sendable () async throws -> Void

    /// Makes the routes.
    /// - Parameters:
    ///   - mark: remembers the restore.
    ///   - isOpen: whether the service is in the mode in which a restore may begin.
    ///   - isEmpty: whether the service holds nothing yet.
    ///   - onEnd: called when a restore ends; possibly more than once.
    package init(
        mark: RestoreMark,
        isOpen: Bool = true,
        isEmpty: @escaping @Sendable () async throws -> Bool,
        onEnd: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.mark = mark
        self.isOpen = isOpen
        self.isEmpty = isEmpty
        self.onEnd = onEnd
    }

    /// Adds the routes below `restore`.
    package func add(to group: RouterGroup<ServiceContext>) {
        group.get("restore") { _, _ in
            let backup = try await mark.backup()
            return try Response.json(State(isEmpty: try await isEmpty(), backup: backup))
        }
        group.put("restore/:backup") { _, context in
            guard isOpen else { throw RestoreMark.notInMaintenance }
            try await mark.begin(try context.pathVariable("backup"), isEmpty: isEmpty)
            return Response.empty()
        }
        group.delete("restore") { _, _ in
            guard try await mark.backup() != nil else { return Response.empty() }
            // Whoever dies in between does it once more.
            try await onEnd()
            try await mark.end()
            return Response.empty()
        }
    }
}
