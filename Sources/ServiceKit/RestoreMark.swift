package import Base
import Glibc

/// Remembers that a service is being restored from a backup, and from which: a restore that broke off goes on with the same backup,
/// and into anything but an empty service none begins.
///
/// It is a file in the service's directory, so that it outlives the process. All calls but ``backup()`` change nothing when they
/// throw.
package struct RestoreMark: Sendable {
    private static let limit = 64

    private let path: String

    /// Uses the mark in a service's directory.
    package init(directory: String) {
        path = "\(directory)/restoring"
    }

    /// Whether a service with that directory is being restored.
    package static func exists(in directory: String) -> Bool {
        access(RestoreMark(directory: directory).path, F_OK) == 0
    }

    /// The backup that is being restored; nil in ordinary life.
    /// - Throws: ``Failure`` when the mark cannot be read.
    package func backup() async throws -> String? {
        try await BlockingPool.shared.run { [path] in
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 || errno != ENOENT else { return nil }
            guard descriptor >= 0 else { throw SystemError("open \(path)") }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: Self.limit)
            let count = read(descriptor, &bytes, bytes.count)
            guard count >= 0 else { throw SystemError("read \(path)") }
            return String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    /// Begins to restore a backup, or goes on.
    /// - Parameters:
    ///   - backup: the backup's id.
    ///   - isEmpty: whether the service holds nothing yet.
    /// - Throws: ``APIError`` of kind `badRequest` with code `otherRestore` or `notEmpty`.
    package func begin(_ backup: String, isEmpty: () async throws -> Bool) async throws {
        guard (1...Self.limit).contains(backup.utf8.count), backup.utf8.allSatisfy({ (0x30...0x7A).contains($0) })
        else {
            throw APIError(.badRequest, code: "invalidBackup", "A backup's id is a short word.")
        }
        if let other = try await self.backup() {
            guard other == backup else {
                let message =
                    "The restore of another backup (\(other)) was begun here and has not ended. Finish it, or begin with an empty installation."
                throw APIError(.badRequest, code: "otherRestore", message)
            }
            return
        }
        guard try await isEmpty() else { throw Self.notEmpty }
        try await BlockingPool.shared.run { [path] in try AtomicFile.write(backup.utf8, to: path) }
    }

    /// Refuses what may only happen during a restore.
    /// - Parameter isOpen: whether the service is in the mode in which it may happen at all.
    /// - Throws: ``APIError`` of kind `badRequest` with code `notInMaintenance` or `noRestore`.
    package func expect(isOpen: Bool = true) async throws {
        guard isOpen else { throw Self.notInMaintenance }
        guard try await backup() != nil else {
            throw APIError(.badRequest, code: "noRestore", "No restore was begun here.")
        }
    }

    /// Refuses what would take a service for whole that is being restored.
    /// - Parameter kind: the kind of the refusal.
    /// - Throws: ``APIError`` with code `restoreUnfinished`.
    package func expectNone(_ kind: ErrorKind = .badRequest) async throws {
        guard let backup = try await backup() else { return }
        let message =
            """
            The restore of a backup (\(backup)) into this installation has not ended, and until then it is not whole. Repeat the restore \
            with the same backup, or begin again with empty data directories.
            """
        throw APIError(kind, code: "restoreUnfinished", message)
    }

    /// Ends the restore; nothing happens when there is none.
    package func end() async throws {
        try await BlockingPool.shared.run { [path] in
            guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove \(path)") }
            try AtomicFile.syncDirectory(of: path)
        }
    }

    /// The refusal of what needs maintenance.
    static let notInMaintenance = APIError(
        .badRequest,
        code: "notInMaintenance",
        "A restore needs maintenance: enable it, and wait until the service is in it."
    )

    private static let notEmpty = APIError(
        .badRequest,
        code: "notEmpty",
        "A backup is restored into an empty installation only, and this one holds something."
    )
}
