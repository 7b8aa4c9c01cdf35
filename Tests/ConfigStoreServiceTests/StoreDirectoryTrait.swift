import FoundationEssentials
import TestSupport
import Testing

/// Gives every test a directory of its own, and expects that all stores in it are closed when the test has ended.
///
/// SQLite removes files when its last connection closes, which must not meet the removal of the directory.
struct StoreDirectoryTrait: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await TemporaryDirectory.with { path in
            try await function()
            try await eventually("nothing in \(path) is open any more") { try !Self.hasOpenFile(below: path) }
        }
    }

    private static func hasOpenFile(below path: String) throws -> Bool {
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return descriptors.contains { descriptor in
            // Other tests close descriptors while this one looks at them.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
            return target?.hasPrefix("\(path)/") == true
        }
    }
}

extension Trait where Self == StoreDirectoryTrait {
    /// A directory of the test's own, for stores.
    static var storeDirectory: Self { StoreDirectoryTrait() }
}
