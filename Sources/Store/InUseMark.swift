import Base
import Glibc

/// A shared lock on `.inuse` that every process with an open store holds, naming the protocol they share.
///
/// A program that must be alone, such as one restoring a backup, takes the lock exclusively.
final class InUseMark: Sendable {
    /// What processes sharing a store must agree on.
    static let protocolVersion = "martlet store 1\n"

    private let descriptor: Int32

    init(directory: String) throws {
        let path = "\(directory)/.inuse"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.unavailable, "open \(path)", cause: SystemError("open \(path)"))
        }
        // The deinitializer closes the descriptor, also when this throws.
        try join(path)
    }

    deinit {
        close(descriptor)
    }

    /// How long to wait for another process that is joining, too: it has the lock to itself for a moment.
    private static let patience: Duration = .seconds(1)

    private func join(_ path: String) throws {
        let end = Deadline.after(Self.patience)
        while true {
            do {
                return try joinOnce(path)
            } catch let error as StoreError where error.kind != .unavailable && !end.isPast {
                usleep(2_000)
            }
        }
    }

    /// Whoever is alone may write the version; everybody else must find its own.
    private func joinOnce(_ path: String) throws {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0, content() != Self.protocolVersion {
            let bytes = Array(Self.protocolVersion.utf8)
            guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
                throw StoreError(.unavailable, "write \(path)", cause: SystemError("write \(path)"))
            }
        }
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else {
            throw StoreError(.locked, "another program has the store to itself: \(path)")
        }
        guard content() == Self.protocolVersion else {
            throw StoreError(.newerSchema, "another version of Martlet has the store open: \(path)")
        }
    }

    private func content() -> String {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }
}
