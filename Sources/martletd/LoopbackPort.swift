import Base
import Glibc

/// A TCP port of the loopback interface that a program wants to listen on.
enum LoopbackPort {
    /// Finds out before anything else is started whether the port can be had.
    /// - Throws: ``Failure`` that says what to do.
    static func expectFree(_ port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("open socket") }
        defer { close(descriptor) }
        // As nginx does: connections of an earlier start that are still closing are in nobody's way.
        var reuses: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuses, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, listen(descriptor, 1) == 0 else { throw refusal(port) }
    }

    private static func refusal(_ port: UInt16) -> any Error {
        let cause = SystemError("listen on 127.0.0.1:\(port)")
        let advice =
            switch cause.code {
            case EADDRINUSE: "another program listens there; stop it or choose another port, as in make run PORT=8001"
            case EACCES: "an ordinary user cannot have ports below 1024; choose another, as in make run PORT=8001"
            default: "choose another port, as in make run PORT=8001"
            }
        return Failure("port \(port) cannot be had: \(advice)", cause: cause)
    }
}
