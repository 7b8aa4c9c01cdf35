import Base
import FoundationEssentials
import Glibc

extension Trial {
    /// From a write in a step to its arrival at a client that follows the log through nginx.
    func visibility(_ table: inout ResultTable) async throws {
        let number = try await service.createRun(branch: "ticks")
        try await until("the log can be followed") {
            try await service.run(number).phase == "running"
        }
        var delays: [Double] = []
        for try await piece in try await log(of: number) {
            let arrived = Trial.wallClock()
            let lines = String(decoding: piece, as: UTF8.self).split(whereSeparator: \.isNewline)
            guard let written = lines.last.flatMap({ Int64($0) }) else { continue }
            delays.append(Double(arrived - written) / 1e6)
        }
        // What was written before the client came says nothing.
        guard delays.count > 20 else { throw Failure("of 60 lines only \(delays.count) pieces arrived") }
        let samples = Samples(milliseconds: Array(delays.dropFirst()))
        table.add(
            "write in a step → client that follows, \(service.driver)",
            samples.summary,
            budget: "p95 ≤ 50 ms",
            isMet: samples.percentile(95) <= 50
        )
    }

    /// A flood of lines: from the step's first to the last one read by a client, and what the services' memory grows by.
    func logSpeed(_ table: inout ResultTable) async throws {
        try await logSpeed(&table, of: "flood", "by a pipe", bytes: TrialRepository.floodBytes)
        try await logSpeed(&table, of: "flood-tty", "by a terminal", bytes: TrialRepository.floodBytes / 10)
    }

    private func logSpeed(_ table: inout ResultTable, of branch: String, _ way: String, bytes: Int) async throws {
        let megabytes = Double(bytes) / 1e6
        try ProcessFacts.resetPeak(of: service.processID)
        let before = ProcessFacts.residentMemory(of: service.processID)
        let number = try await service.createRun(branch: branch)
        var received = 0
        var head: [UInt8] = []
        for try await piece in try await log(of: number) {
            if head.count < 32 { head += piece.prefix(32) }
            received += piece.count
        }
        let ended = Trial.wallClock()
        let digits = String(decoding: head, as: UTF8.self).prefix(while: \.isNumber)
        guard let started = Int64(digits), received >= bytes else {
            throw Failure("of the flood only \(received) bytes arrived")
        }
        _ = try await service.finished(number)
        let rate = megabytes * 1e9 / Double(ended - started)
        let growth = Double(ProcessFacts.peakMemory(of: service.processID) - before) / 1_048_576
        table.add(
            "log \(way), step → followed to its end through nginx, \(service.driver)",
            "\(rate.rounded(0)) MB/s",
            peer: "dd, 1 MiB blocks, fsync: \(try await copySpeed().rounded(0)) MB/s",
            budget: "≥ 100 MB/s",
            isMet: rate >= 100
        )
        table.add(
            "memory growth of all services during these \(megabytes.rounded(0)) MB",
            "\(growth.rounded(1)) MiB",
            budget: "≤ 32 MiB",
            isMet: growth <= 32
        )
    }

    // The log appears with the step, which may take a moment.
    private func log(of number: Int) async throws -> some AsyncSequence<[UInt8], any Error> {
        let deadline = Deadline.after(.seconds(30))
        while true {
            do {
                return try await service.log(of: number, follows: true)
            } catch {
                guard ErrorChain(error).first(RemoteError.self)?.kind == .notExist, !deadline.isPast else {
                    throw error
                }
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func copySpeed() async throws -> Double {
        let path = "\(service.directory)/copy"
        defer { unlink(path) }
        let blocks = TrialRepository.floodBytes >> 20
        let start = ContinuousClock.now
        let arguments = ["if=/dev/zero", "of=\(path)", "bs=1M", "count=\(blocks)", "conv=fsync", "status=none"]
        try await Tool.run("dd", arguments)
        return Double(blocks << 20) / 1e6 / (ContinuousClock.now - start).seconds
    }
}
