import Base
import Foundation
import ObjectStorage

/// Writes and adopts objects of many sizes, and reports each that was acknowledged.
struct ObjectWriter: Sendable {
    private let store: PosixStore
    private let directory: String
    private let report: Report

    init(directory: String, report: Report) async throws {
        store = try await PosixStore.open(path: directory)
        self.directory = directory
        self.report = report
    }

    func run() async throws {
        try await withThrowingTaskGroup { group in
            for writer in 0..<3 {
                group.addTask {
                    for number in 1... {
                        try await write("w\(writer)/\(number % 5)/\(number)", adopts: number % 2 == 0)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Writes objects and then removes them all, reporting each removal; nothing is written any more then.
    func remove() async throws {
        let names = (0..<40).map { "removed/\($0 % 7)/\($0)" }
        for name in names { try await store.write(name, bytes: [1]) }
        for name in names {
            try await store.delete(name)
            report.write("ack \(name)")
        }
        while true { try await Task.sleep(for: .seconds(60)) }
    }

    /// Writes until the disk is full, makes room and writes on.
    func fill() async throws {
        let ballast = "\(directory)/ballast"
        try AtomicFile.write([UInt8](repeating: 1, count: 1 << 20), to: ballast)
        do {
            for number in 1... { try await write("fill/\(number)", adopts: false) }
        } catch {
            report.write("refused \((error as? ObjectStorageError)?.kind == .unavailable)")
        }
        try FileManager.default.removeItem(atPath: ballast)
        try await write("after", adopts: false)
        for try await object in try store.list(prefix: "", after: nil) {
            report.write("there \(object.name) \(object.size)")
        }
        report.write("recovered")
    }

    /// Every byte of an object says how long it must be.
    private func write(_ name: String, adopts: Bool) async throws {
        let size = Int.random(in: 1...100_000)
        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
        if adopts {
            let file = "\(directory)/\(name.replacing("/", with: "-"))"
            try Data(bytes).write(to: URL(filePath: file))
            try await store.adopt(files: [(file, name)])
        } else {
            try await store.write(name, bytes: bytes)
        }
        report.write("ack \(name) \(size)")
    }
}
