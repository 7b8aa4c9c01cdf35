import Base
import Glibc
import Synchronization

/// TCP ports of the loopback interface for servers that tests start.
package enum TestPort {
    private static let used = Mutex<Set<UInt16>>([])

    /// A port of `range` that nobody listens on and no other test of this process gets; below those of outgoing connections.
    /// - Throws: ``Failure`` when there is none.
    package static func free(in range: Range<UInt16>) throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: range)
            guard used.withLock({ $0.insert(port).inserted }) else { continue }
            if withSocket(port: port, { bind($0, $1, $2) == 0 }) { return port }
        }
        throw Failure("there is no free port")
    }

    /// Runs `body` with a new socket and the address of `port`; false without a socket.
    static func withSocket(port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
