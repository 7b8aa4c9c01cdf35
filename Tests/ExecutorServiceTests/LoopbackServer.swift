import Base
import Glibc
import Testing

@testable import ExecutorService

/// Answers every TCP connection with a greeting and what it was sent until the end, from a thread of its own.
final class LoopbackServer: Sendable {
    let port: UInt16
    private let listener: OwnedDescriptor

    init(greeting: String, address: String = "127.0.0.1") throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = inet_addr(address)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &name) { name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(number, name, length) == 0 && listen(number, 16) == 0 && getsockname(number, name, &length) == 0
            }
        }
        try #require(code)
        port = UInt16(bigEndian: name.sin_port)
        listener = OwnedDescriptor(number)
        try NamedThread.start(name: "loopback") {
            while true {
                let connection = accept(number, nil, nil)
                guard connection >= 0 else { return }
                _ = greeting.withCString { send(connection, $0, strlen($0), 0) }
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
                    _ = send(connection, buffer, count, Int32(MSG_NOSIGNAL))
                }
                close(connection)
            }
        }
    }

    /// Ends the thread.
    func stop() {
        shutdown(listener.number, Int32(SHUT_RDWR))
    }
}
