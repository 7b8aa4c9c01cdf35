import Base

/// What is measured, in which order, on which installation.
struct MeasurementPlan {
    private static let slots = 4

    /// The directory of the programs that are measured.
    let programs: String
    /// Holds the installations.
    let data: String
    /// How many runs the second round finds.
    let history: Int
    /// How long idleness is watched.
    let nap: Duration
    /// The drivers to measure.
    let drivers: [TrialInstallation.Driver]

    /// Measures everything and enters it into `table` as it comes.
    func run(_ table: inout ResultTable) async throws {
        let bare = try await ProcessPeers.measure()
        for driver in drivers {
            let installation = TrialInstallation(programs: programs, directory: "\(data)/\(driver)", slots: Self.slots)
            try await installation.make()
            try await installation.serving(driver) { service in
                let trial = try await Trial(service, peers: bare)
                try await trial.starts(&table, "empty")
                try await trial.pushes(&table)
                try await trial.throughput(&table, "empty")
            }
            guard history > 0 else { continue }
            // Whatever the driver, the host driver makes the history: it is faster.
            try await installation.serving(.host) { service in
                try await Trial(service, peers: bare).fill(to: history)
            }
            try await installation.serving(driver) { service in
                let trial = try await Trial(service, peers: bare)
                try await trial.starts(&table, "\(history) runs")
                try await trial.throughput(&table, "\(history) runs")
                guard driver == drivers.first else { return }
                try await trial.requests(&table, programs: programs)
                try await trial.visibility(&table)
                try await trial.logSpeed(&table)
            }
        }
        guard let driver = drivers.last else { return }
        let installation = TrialInstallation(programs: programs, directory: "\(data)/\(driver)", slots: Self.slots)
        try await installation.serving(driver) { service in
            try await IdleCost.measure(service, for: nap, &table)
        }
    }
}
