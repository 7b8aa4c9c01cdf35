import Base
import Glibc
import Synchronization

/// Lets git, which speaks TCP only, reach a service on a Unix socket.
package final class TCPRelay: Sendable {
    package let port: UInt16
    private let listener: Int32
    private let target: String
    private let isOpen = Mutex(true)

    package init(to target: String) throws {
        self.target = target
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw SystemError("listen for git") }
        port = UInt16(bigEndian: address.sin_port)
        try NamedThread.start(name: "relay") { [self] in accept() }
    }

    package func close() {
        isOpen.withLock { $0 = false }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while isOpen.withLock(\.self) {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { continue }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            guard let server = UnixSocket.connect(target) else {
                Glibc.close(client)
                continue
            }
            let pair = Pair(client, server)
            try? NamedThread.start(name: "relay-up") { pair.copy(from: client, to: server) }
            try? NamedThread.start(name: "relay-down") { pair.copy(from: server, to: client) }
        }
        Glibc.close(listener)
    }

    /// Two connected sockets that close when both directions have ended.
    private final class Pair: Sendable {
        private let client: Int32
        private let server: Int32

        init(_ client: Int32, _ server: Int32) {
            self.client = client
            self.server = server
        }

        deinit {
            Glibc.close(client)
            Glibc.close(server)
        }

        func copy(from source: Int32, to target: Int32) {
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = read(source, &bytes, bytes.count)
                guard count > 0, UnixSocket.send(bytes.prefix(count), to: target) else { break }
            }
            // What has not been sent is of no use to anybody once one side is gone.
            shutdown(source, Int32(SHUT_RD))
            shutdown(target, Int32(SHUT_WR))
        }
    }
}

package enum UnixSocket {
    package static func connect(_ path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    package static func send(_ bytes: some Collection<UInt8>, to descriptor: Int32) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
