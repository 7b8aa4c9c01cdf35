import Base
import FoundationEssentials
import Glibc
import Synchronization

/// What the processes of one host say of themselves: a file each in the store's directory.
///
/// The writer holds its file's lock. The kernel drops the lock when the process ends, however it does, so a file without a holder
/// speaks of a dead process; whoever finds it removes it. So being alive costs no writes.
final class InstanceFiles: Sendable {
    private let directory: String
    private let own = Mutex<OwnFile?>(nil)

    init(directory: String) {
        self.directory = "\(directory)/instances"
    }

    /// Writes or replaces this process's word; blocks.
    /// - Throws: ``StoreError`` of kind unavailable.
    func announce(_ instance: ServiceInstance) throws {
        do {
            let text = try JSONCoding.encode(instance)
            try own.withLock { own in
                let file = try own ?? OwnFile(directory: directory, name: instance.id)
                try file.write(text)
                own = file
            }
        } catch {
            throw StoreError(.unavailable, "announce this instance in \(directory)", cause: error)
        }
    }

    /// The words of the living; blocks.
    /// - Throws: ``StoreError`` of kind unavailable.
    func living() throws -> [ServiceInstance] {
        guard access(directory, F_OK) == 0 else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory).sorted().compactMap { name in
                try Self.read("\(directory)/\(name)")
            }
        } catch {
            throw StoreError(.unavailable, "list the instances in \(directory)", cause: Failure("\(error)"))
        }
    }

    /// Nil for a dead process's file, and for one that is being made.
    private static func read(_ path: String) throws -> ServiceInstance? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
            unlink(path)
            return nil
        }
        // A look in the middle of a rewrite sees neither text; the next one sees the new.
        let end = Deadline.after(.seconds(1))
        while true {
            var buffer = [UInt8](repeating: 0, count: OwnFile.size)
            let count = pread(descriptor, &buffer, buffer.count, 0)
            let text = buffer.prefix(max(count, 0)).prefix { $0 != 0 }
            do { return try JSONCoding.decode(ServiceInstance.self, from: text) } catch {
                guard !end.isPast else { return nil }
                usleep(1_000)
            }
        }
    }
}

/// The locked file of this process.
private final class OwnFile: Sendable {
    /// Bytes of a file; the rest behind the text is zero.
    static let size = 4_096

    private let path: String
    private let descriptor: Int32

    init(directory: String, name: String) throws {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw SystemError("create \(directory)") }
        path = "\(directory)/\(name)"
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw SystemError("open \(path)") }
            guard flock(descriptor, LOCK_EX) == 0 else {
                let error = SystemError("lock \(path)")
                close(descriptor)
                throw error
            }
            // Somebody who looked between the two calls took the file for a dead process's and removed it.
            var facts = stat()
            if fstat(descriptor, &facts) == 0, facts.st_nlink > 0 {
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    deinit {
        unlink(path)
        close(descriptor)
    }

    func write(_ text: some Sequence<UInt8>) throws {
        var bytes = Array(text)
        guard bytes.count < Self.size else { throw Failure("an instance's description has \(bytes.count) bytes") }
        bytes += [UInt8](repeating: 0, count: Self.size - bytes.count)
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else { throw SystemError("write \(path)") }
    }
}
