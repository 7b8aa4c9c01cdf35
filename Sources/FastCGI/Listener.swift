import Base
import CFastCGI
import Glibc

/// A listening Unix socket, mode 0660.
struct Listener: Sendable {
    /// The listening descriptor, which never blocks.
    let descriptor: Int32
    private let path: String
    private let identity: FileIdentity

    /// Binds and listens.
    ///
    /// A socket file that nobody serves any more is replaced.
    /// - Throws: ``Failure`` when another process serves the socket, or when the path is too long or not a socket;
    ///   ``SystemError`` when the system refuses.
    init(path: String, backlog: Int32 = 4096) throws {
        try Self.removeAbandoned(path)
        let descriptor = try Self.openSocket()
        do {
            // The file is made for the owner alone and opened to the group afterwards: never wider, not for a moment.
            let status = Self.withAddress(path) { address, length in
                guard fchmod(descriptor, 0o600) == 0 else { return errno }
                return bind(descriptor, address, length) == 0 ? 0 : errno
            }
            guard let status else { throw Failure("socket path is longer than 107 bytes: \(path)") }
            guard status == 0 else { throw SystemError("bind \(path)", code: status) }
            guard chmod(path, 0o660) == 0 else { throw SystemError("change mode of \(path)") }
            guard listen(descriptor, backlog) == 0 else { throw SystemError("listen on \(path)") }
            guard let identity = FileIdentity(path: path) else { throw SystemError("look at \(path)") }
            self.identity = identity
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
    }

    /// One waiting connection, or nil when there is none; its descriptor blocks, as libfcgi expects.
    /// - Throws: ``SystemError`` when the system has no descriptor left, or when the listener was stopped.
    func accept() throws -> Int32? {
        while true {
            let connection = cfastcgi_accept(descriptor)
            if connection >= 0 { return connection }
            switch errno {
            case EAGAIN: return nil
            case EINTR, ECONNABORTED: continue
            default: throw SystemError("accept on \(path)")
            }
        }
    }

    /// Refuses new connections and removes the socket file, unless another server has replaced it.
    func stop() {
        if FileIdentity(path: path) == identity { unlink(path) }
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Gives the descriptor back.
    func close() {
        Glibc.close(descriptor)
    }

    private static func openSocket() throws -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw SystemError("open socket") }
        return descriptor
    }

    private static func removeAbandoned(_ path: String) throws {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK else { throw Failure("not a socket: \(path)") }
        let probe = try openSocket()
        defer { Glibc.close(probe) }
        let status = withAddress(path) { address, length in connect(probe, address, length) == 0 ? 0 : errno }
        guard status == ECONNREFUSED else { throw Failure("another process serves the socket \(path)") }
        guard unlink(path) == 0 else { throw SystemError("remove abandoned socket \(path)") }
    }

    private static func withAddress<Value>(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
            guard path.utf8.count < target.count else { return false }
            target.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { return nil }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

private struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t

    init?(path: String) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return nil }
        device = facts.st_dev
        inode = facts.st_ino
    }
}
