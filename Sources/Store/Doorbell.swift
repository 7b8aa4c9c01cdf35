import Base
import Glibc
import Synchronization

/// Tells other processes at once that something was committed: a datagram socket per process in the store's directory.
///
/// Best effort: nothing depends on it, since every process also looks by itself; so its failures are ignored.
final class Doorbell: Sendable {
    private struct Neighbours {
        var names: [String] = []
        /// The directory's time of change when the names were read, in nanoseconds.
        var readAt: Int64 = -1
        var own: String?
    }

    private let directory: String
    /// Socket paths hold 107 bytes; through this descriptor the store's own path does not count.
    private let directoryDescriptor: Int32
    private let socketDescriptor: Int32
    private let neighbours = Mutex(Neighbours())

    /// Opens the directory of sockets.
    /// - Throws: ``SystemError``.
    init(directory: String) throws {
        self.directory = "\(directory)/bells"
        guard mkdir(self.directory, 0o700) == 0 || errno == EEXIST else {
            throw SystemError("create \(self.directory)")
        }
        directoryDescriptor = open(self.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directoryDescriptor >= 0 else { throw SystemError("open \(self.directory)") }
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        socketDescriptor = socket(AF_UNIX, type, 0)
        // The deinitializer closes the directory, also when this throws.
        guard socketDescriptor >= 0 else { throw SystemError("open the doorbell's socket") }
    }

    deinit {
        if let own = neighbours.withLock(\.own) { unlink("\(directory)/\(own)") }
        if socketDescriptor >= 0 { close(socketDescriptor) }
        close(directoryDescriptor)
    }

    /// The descriptor that becomes readable when somebody rings here.
    var descriptor: Int32 { socketDescriptor }

    /// Whether other processes seem to have the store open.
    var hasNeighbours: Bool { !others().isEmpty }

    /// Lets others ring here from now on, and tells them so.
    func hang() {
        let name = "\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        let isBound = withAddress(of: name) { bind(socketDescriptor, $0, $1) } == 0
        if isBound { neighbours.withLock { $0.own = name } }
        ring()
    }

    /// Forgets who rang.
    func clear() {
        var byte: UInt8 = 0
        while recv(socketDescriptor, &byte, 1, 0) >= 0 {}
    }

    /// Rings at every other process.
    func ring() {
        for name in others() {
            var byte: UInt8 = 1
            let sent = withAddress(of: name) { sendto(socketDescriptor, &byte, 1, 0, $0, $1) }
            // The process behind this socket has died; a full queue (EAGAIN) has rung already.
            if sent < 0, errno == ECONNREFUSED { unlink("\(directory)/\(name)") }
        }
    }

    /// The sockets of other processes; the directory is read only when it changed.
    private func others() -> [String] {
        var facts = stat()
        guard fstat(directoryDescriptor, &facts) == 0 else { return [] }
        let changed = Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
        return neighbours.withLock { neighbours in
            if neighbours.readAt != changed {
                neighbours.names = names()
                neighbours.readAt = changed
            }
            let own = neighbours.own
            return neighbours.names.filter { $0 != own }
        }
    }

    private func names() -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            guard Int(entry.pointee.d_type) == Int(DT_SOCK) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name { names.append(name) }
        }
        return names
    }

    private func withAddress<Value>(of name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = "/proc/self/fd/\(directoryDescriptor)/\(name)"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8.prefix($0.count - 1))) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
