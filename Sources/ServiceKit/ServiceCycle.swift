import Base
import Hummingbird
import Logging
import ServiceLifecycle
import Store

/// A service in one mode, from the opening of its store until the store wants the other mode or holds other content.
struct ServiceCycle: Sendable {
    /// Where all cycles of a process meet their callers.
    struct Place: Sendable {
        /// Answers.
        let responder: SwitchedResponder
        /// Makes routes.
        let routes: ModeRoutes
    }

    private enum Event: Sendable {
        case ready(MaintainedService.Parts)
        case changed
        case ended
    }

    let name: String
    let store: ServiceStore
    let place: Place
    let maintenance: MaintenanceRoutes
    let makeParts: @Sendable (ServiceStore) async throws -> MaintainedService.Parts
    let onMode: @Sendable () async -> Void
    private let identity = ProcessIdentity()

    /// Returns when another cycle has to begin.
    /// - Throws: what a part of the service throws.
    func run() async throws {
        let opened = try await store.maintenance
        guard opened.isCurrent(store.authority.identity) else { return try await Task.sleep(for: .milliseconds(20)) }
        await enter(.starting, opened)
        try await withThrowingTaskGroup(of: Event.self) { group in
            group.addTask {
                try await store.run()
                return .ended
            }
            group.addTask {
                try await untilChanged(from: opened)
                return .changed
            }
            if opened.isWanted {
                await enter(.maintenance, opened)
            } else {
                group.addTask { .ready(try await makeParts(store)) }
            }
            let outcome: Result<Void, any Error>
            do {
                try await follow(&group, opened)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            try await leave(&group, opened)
            try outcome.get()
        }
    }

    private func follow(_ group: inout ThrowingTaskGroup<Event, any Error>, _ opened: MaintenanceState) async throws {
        while let event = try await group.next() {
            switch event {
            case .changed: return
            case .ended where Task.isShuttingDownGracefully:
                // Some parts end when the process begins to stop; the others go on until the last request has its answer.
                continue
            case .ended: throw Failure("a part of the \(name) has ended by itself")
            case .ready(let parts):
                for service in parts.services {
                    group.addTask {
                        try await service()
                        return .ended
                    }
                }
                await enter(.normal, opened, parts)
            }
        }
    }

    /// Lets running requests end, then everything else, and waits for it.
    private func leave(_ group: inout ThrowingTaskGroup<Event, any Error>, _ opened: MaintenanceState) async throws {
        let requests = place.responder.turn(to: place.routes.closed(.switching, routes: maintenance))
        await announce(.switching, opened)
        do {
            try await requests.drain()
        } catch {
            // The process ends: its server has waited for the requests already.
        }
        group.cancelAll()
        while let result = await group.nextResult() {
            guard case .failure(let error) = result, !ErrorChain(error).isCancellation else { continue }
            Logger.current.warning("a part of the service ended badly", error: error)
        }
    }

    private func untilChanged(from opened: MaintenanceState) async throws {
        while true {
            do {
                for try await state in store.followMaintenance()
                where state.isWanted != opened.isWanted || !state.isCurrent(store.authority.identity) {
                    return
                }
            } catch let error as StoreError {
                Logger.current.warning("cannot see whether maintenance is wanted", error: error)
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func enter(
        _ mode: ServiceInstance.Mode,
        _ opened: MaintenanceState,
        _ parts: MaintainedService.Parts? = nil
    ) async {
        // An import asks what was announced.
        await announce(mode, opened)
        if let parts {
            place.responder.turn(to: place.routes.open(parts, maintenance))
        } else {
            place.responder.turn(to: place.routes.closed(mode, routes: maintenance))
        }
        guard mode != .starting else { return }
        Logger.current.notice("service entered a mode", metadata: ["service": "\(name)", "mode": "\(mode.rawValue)"])
        await onMode()
    }

    private func announce(_ mode: ServiceInstance.Mode, _ opened: MaintenanceState) async {
        do {
            try await store.announce(identity.instance(of: name, mode, seen: opened.revision))
        } catch {
            if ErrorChain(error).isCancellation { return }
            Logger.current.warning("cannot tell the mode to other processes", error: error)
        }
    }
}
