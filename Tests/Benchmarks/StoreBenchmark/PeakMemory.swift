import Base
import Foundation
import Store
import Synchronization

/// What something took: time, and memory beyond what was resident before.
struct PeakMemory {
    let seconds: Double
    let megabytes: Int

    static func during(_ body: () async throws -> Void) async throws -> PeakMemory {
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        let before = try kilobytes("VmRSS:")
        let start = ContinuousClock.now
        try await body()
        let seconds = start.duration(to: .now).seconds
        return PeakMemory(seconds: seconds, megabytes: max(0, try kilobytes("VmHWM:") - before) / 1024)
    }

    private static func kilobytes(_ field: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix(field) } ?? ""
        return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }
}

/// How long others had to wait for the store at most.
final class LongestWait: Sendable {
    private let longest = Mutex(0.0)

    var seconds: Double { longest.withLock { $0 } }

    /// Takes a small write to the store again and again while `body` runs.
    func watch(_ store: ServiceStore, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await body() }
            group.addTask { [self] in
                while !Task.isCancelled {
                    let start = ContinuousClock.now
                    do {
                        try await store.authority.revoke(store.authority.grantLease(ttl: .seconds(1)))
                        try await Task.sleep(for: .milliseconds(5))
                    } catch is CancellationError { return }
                    longest.withLock { $0 = max($0, start.duration(to: .now).seconds) }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
