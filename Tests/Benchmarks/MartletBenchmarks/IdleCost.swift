import Base

/// What an installation costs while nothing happens.
enum IdleCost {
    private struct Reading {
        let time = ContinuousClock.now
        let processor: Double
        let written: Int

        init(_ processes: [Int32]) {
            processor = processes.map(ProcessFacts.processorTime).reduce(0, +)
            written = processes.map(ProcessFacts.writtenBytes).reduce(0, +)
        }
    }

    /// Watches all processes of the services for a while.
    static func measure(_ service: TrialService, for nap: Duration, _ table: inout ResultTable) async throws {
        try await Task.sleep(for: .seconds(3))
        let services = try ProcessFacts.family(of: service.processID)
        let proxies = try ProcessFacts.family(of: service.proxyID)
        let before = Reading(services)
        try await Task.sleep(for: nap)
        let after = Reading(services)
        let memory = megabytes(services)
        let share = (after.processor - before.processor) / (after.time - before.time).seconds * 100
        let names = services.map(ProcessFacts.name).joined(separator: ", ")
        table.add(
            "idle: memory of all services, proportional",
            "\(memory.rounded(1)) MiB in \(names)",
            peer: "nginx beside them \(megabytes(proxies).rounded(1)) MiB",
            budget: "≤ 60 MiB",
            isMet: memory <= 60
        )
        table.add("idle: processor", "\(share.rounded(2)) %", budget: "< 0.1 %", isMet: share < 0.1)
        let written = after.written - before.written
        table.add("idle: bytes written to disk", "\(written)", budget: "0", isMet: written == 0)
        let start = service.startTime.milliseconds.rounded(0)
        table.add("start of all services in one process to the first answer", "\(start) ms")
    }

    private static func megabytes(_ processes: [Int32]) -> Double {
        Double(processes.map(ProcessFacts.proportionalMemory).reduce(0, +)) / 1_048_576
    }
}
