import FoundationEssentials
package import Testing

/// A directory of the test's own, removed when the test ends; short, because socket paths hold 107 bytes only.
package enum TemporaryDirectory {
    @TaskLocal private static var bound: String?

    /// The running test's directory.
    package static var path: String {
        guard let bound else { preconditionFailure("the test lacks the trait .temporaryDirectory") }
        return bound
    }

    /// Runs `body` with a new directory.
    package static func with<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let path = "/tmp/m\(String(UInt32.random(in: .min ... .max), radix: 16))"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        defer { remove(path) }
        return try await $bound.withValue(path) { try await body(path) }
    }

    /// A database that was released just now may still remove files of its own meanwhile, so it tries more than once.
    private static func remove(_ path: String) {
        for attempt in 1...5 {
            do {
                return try FileManager.default.removeItem(atPath: path)
            } catch  where attempt == 5 {
                Issue.record("cannot remove \(path): \(error)")
            } catch {}
        }
    }
}

/// Gives every test a directory of its own.
package struct TemporaryDirectoryTrait: TestTrait, SuiteTrait, TestScoping {
    /// Suites hand the trait down to their tests.
    package var isRecursive: Bool { true }

    /// Runs the test with a new directory.
    package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await TemporaryDirectory.with { _ in try await function() }
    }
}

extension Trait where Self == TemporaryDirectoryTrait {
    /// A directory of the test's own under ``TemporaryDirectory/path``.
    package static var temporaryDirectory: Self { TemporaryDirectoryTrait() }
}
