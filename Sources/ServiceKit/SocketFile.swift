import Base
import Glibc

/// The file of a listening Unix socket.
package enum SocketFile {
    /// The longest path the kernel takes.
    package static let maximumPathLength = 107

    /// Makes room for a new socket: removes an abandoned one, refuses a live one.
    /// - Throws: ``Failure`` when the path is too long or somebody listens there.
    package static func prepare(_ path: String) async throws {
        guard path.utf8.count <= maximumPathLength else {
            throw Failure(
                "socket path \(path) is longer than \(maximumPathLength) bytes: choose a shorter runDir"
            )
        }
        guard access(path, F_OK) == 0 else { return }
        guard try !isListening(path) else {
            throw Failure("another process listens on \(path): stop it or choose another runDir")
        }
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove abandoned socket \(path)") }
    }

    /// Lets the owner's group in, and nobody else.
    package static func open(_ path: String) {
        chmod(path, 0o660)
    }

    private static func isListening(_ path: String) throws -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("open socket") }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0
    }
}
