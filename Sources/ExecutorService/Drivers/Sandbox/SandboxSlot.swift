import Base
import Glibc
import Logging

/// One of the sandbox driver's slots: keeps a network and a fresh place ready, takes the place back after its task, and
/// makes the next one.
struct SandboxSlot: Sendable {
    /// What all slots share.
    struct Surroundings: Sendable {
        /// Where places are made.
        var directory: String
        /// Makes the places' control groups.
        var groups: ControlGroups
        /// What the network reaches.
        var network: SlotNetwork.Plan
        /// The host as steps see it.
        var view: HostView
        /// The path of bubblewrap.
        var program: String
    }

    private let index: Int
    private let range: NamespacePair.IdentityRange?
    private let surroundings: Surroundings
    private let worker: BlockingWorker

    /// Makes a slot; nothing happens yet.
    /// - Throws: ``SystemError`` when the system has no thread to give.
    init(_ index: Int, range: NamespacePair.IdentityRange?, surroundings: Surroundings) throws {
        self.index = index
        self.range = range
        self.surroundings = surroundings
        worker = try BlockingWorker(name: "slot \(index)")
    }

    /// Offers places until cancelled.
    func run(_ ready: ReadyPlaces) async throws {
        var backoff = Backoff()
        while true {
            do {
                try await useNetwork(ready)
                backoff.reset()
            } catch {
                if ErrorChain(error).isCancellation { throw CancellationError() }
                Logger.current.error("sandbox slot cannot be made ready", error: error, metadata: ["slot": "\(index)"])
                try await backoff.wait()
            }
        }
    }

    /// Makes a network and places in it for as long as it is as good as new.
    private func useNetwork(_ ready: ReadyPlaces) async throws {
        let network = try await worker.run { try SlotNetwork(surroundings.network, range: range) }
        if let shortfall = network.shortfall {
            Logger.current.warning("sandbox is restricted", metadata: ["slot": "\(index)", "reason": "\(shortfall)"])
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                if let listener = network.listener, let gateway = surroundings.network.gateway {
                    group.addTask { try await GatewayForward(gateway).serve(listener) }
                }
                defer { group.cancelAll() }
                try await usePlaces(in: network, ready)
            }
        } catch {
            await worker.run { network.close() }
            throw error
        }
        await worker.run { network.close() }
    }

    /// Makes the settings that all places of a network share, and places until the network has to be made anew.
    private func usePlaces(in network: SlotNetwork, _ ready: ReadyPlaces) async throws {
        let settings = try await worker.run {
            try PlaceSettings(path: newPath("settings"), view: surroundings.view, network: network.names)
        }
        let result: Result<Void, any Error>
        do {
            while try await usePlace(in: network, settings, ready) {}
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await worker.cleanUp("remove the settings of a slot") { try settings.destroy() }
        try result.get()
    }

    /// Makes one place, lends it to a task and removes it.
    /// - Returns: whether the network may serve another task.
    private func usePlace(
        in network: SlotNetwork,
        _ settings: PlaceSettings,
        _ ready: ReadyPlaces
    ) async throws -> Bool {
        let place = try await makePlace(in: network, settings)
        ready.offer(place)
        do {
            try await place.waitUntilReleased()
        } catch {
            _ = await clear(place, network)
            throw error
        }
        guard await clear(place, network) else { return false }
        return await worker.run { network.isCurrent }
    }

    /// Ends what runs in a place and removes it.
    /// - Returns: whether its processes are provably gone.
    private func clear(_ place: SandboxPlace, _ network: SlotNetwork) async -> Bool {
        let isEmpty = await worker.run {
            place.killAll()
            return network.isEmpty(within: .seconds(2))
        }
        await worker.cleanUp("remove the place of a task") { try place.destroy() }
        return isEmpty
    }

    private func makePlace(in network: SlotNetwork, _ settings: PlaceSettings) async throws -> SandboxPlace {
        try await worker.run {
            try SandboxPlace(
                path: newPath("place"),
                surroundings: SandboxPlace.Surroundings(
                    namespaces: network.namespaces,
                    range: range,
                    view: surroundings.view,
                    filter: SeccompFilter.Architecture.current.map { SeccompFilter($0) },
                    settings: settings,
                    network: network.names,
                    notes: notes(network),
                    program: surroundings.program
                ),
                groups: surroundings.groups
            )
        }
    }

    private func newPath(_ kind: String) -> String {
        "\(surroundings.directory)/\(index)-\(kind)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }

    private func notes(_ network: SlotNetwork) -> [String] {
        var notes = ["Steps run in a sandbox of their own."]
        if let shortfall = network.shortfall {
            notes.append("The sandbox has \(shortfall).")
        } else if !surroundings.network.hasEgress {
            notes.append("The sandbox has no access to the network, as this executor is configured.")
        }
        let missing = surroundings.groups.missing
        if !missing.isEmpty {
            notes.append(
                "Not enforced on this executor, which may not make control groups: \(missing.joined(separator: ", "))."
            )
        }
        return notes
    }
}
