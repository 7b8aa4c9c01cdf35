import Base
import Glibc
import Synchronization

/// A browser that reads when it likes, or never.
final class Browser: Sendable {
    private static let pool = BlockingPool(name: "browser", threads: 16)
    let descriptor: Int32
    private let isClosed = Mutex(false)

    /// Connects and asks for a page.
    convenience init(port: UInt16, path: String) throws {
        try self.init(port: port)
        let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        let sent = Glibc.send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL))
        guard sent == request.utf8.count else { throw SystemError("ask for \(path)") }
    }

    /// Connects.
    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        // A small window, so that a stalled browser stalls soon.
        var size: Int32 = 16 << 10
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw SystemError("connect to port \(port)") }
    }

    deinit {
        close()
    }

    func close() {
        isClosed.withLock { isClosed in
            if !isClosed { Glibc.close(descriptor) }
            isClosed = true
        }
    }

    /// Sends everything; a server that closes first is no error.
    func send(_ text: String) async throws {
        try await Self.pool.run { [descriptor] in
            let bytes = Array(text.utf8)
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    /// Everything up to a text that must come.
    func read(until end: String) async throws -> String {
        try await Self.pool.run { [descriptor] in
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 4096)
            while !text.contains(end) {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { throw SystemError("read from nginx") }
                text += String(decoding: buffer.prefix(count), as: UTF8.self)
            }
            return text
        }
    }
}

/// Many browsers that read as fast as they can, on one thread.
final class Crowd: Sendable {
    private struct State {
        var counts: [Int]
        var isStopped = false
    }

    private let browsers: [Browser]
    private let state: Mutex<State>

    init(_ browsers: [Browser]) throws {
        self.browsers = browsers
        state = Mutex(State(counts: [Int](repeating: 0, count: browsers.count)))
        try NamedThread.start(name: "crowd") { [self] in loop() }
    }

    /// What the slowest has read, in bytes.
    var smallestCount: Int { state.withLock { $0.counts.min() ?? 0 } }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    private func loop() {
        var polls = browsers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !state.withLock({ $0.isStopped }) {
            guard poll(&polls, nfds_t(polls.count), 100) > 0 else { continue }
            for index in polls.indices where polls[index].revents != 0 {
                let count = recv(polls[index].fd, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0 { state.withLock { $0.counts[index] += count } } else { polls[index].fd = -1 }
            }
        }
    }
}
