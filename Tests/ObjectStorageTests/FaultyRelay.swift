import Base
import Glibc
import Synchronization
import TestSupport

/// Stands between a client and a real HTTP server, and does to requests and answers what networks and servers do on bad days.
///
/// One request a connection. Every connection has a thread of its own.
final class FaultyRelay: Sendable {
    enum Fault: Sendable, Hashable {
        /// The request and its answer arrive.
        case none
        /// The server is not asked; the relay answers.
        case status(Int)
        /// The connection is reset when a part of the request has been read; the server is not asked.
        case resetBefore
        /// The server has acted, and the connection is reset without an answer.
        case resetAfter
        /// The answer ends in the middle of its body, or of its head when it has none.
        case shortAnswer
        /// Nothing is ever answered.
        case hang
    }

    let port: UInt16
    private let listener: Int32
    private let server: UInt16
    private let decide: @Sendable (String) -> Fault
    private let requests = Mutex<[String]>([])
    private let isOver = Mutex(false)

    /// The request lines that arrived so far.
    var seen: [String] { requests.withLock { $0 } }

    /// Relays to a port of loopback while `body` runs; `decide` gets each request's line.
    static func with<Value>(
        to server: UInt16,
        _ decide: @escaping @Sendable (String) -> Fault,
        _ body: (FaultyRelay) async throws -> Value
    ) async throws -> Value {
        let relay = try FaultyRelay(server, decide)
        try NamedThread.start(name: "faulty-relay") { relay.accept() }
        defer { relay.end() }
        return try await body(relay)
    }

    private init(_ server: UInt16, _ decide: @escaping @Sendable (String) -> Fault) throws {
        self.server = server
        self.decide = decide
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let listener = listener
        var bound: UInt16 = 0
        try Self.withAddress(0) { address, length in
            var length = length
            guard bind(listener, address, length) == 0, listen(listener, 64) == 0,
                getsockname(listener, address, &length) == 0
            else { throw SystemError("listen") }
            address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                bound = UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
        port = bound
    }

    private func end() {
        isOver.withLock { $0 = true }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { break }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            do {
                try NamedThread.start(name: "faulty-relay", stackSize: 256 << 10) { [self] in serve(client) }
            } catch {
                close(client)
            }
        }
        close(listener)
    }

    private func serve(_ client: Int32) {
        var mustReset = false
        defer {
            if mustReset {
                var now = linger(l_onoff: 1, l_linger: 0)
                setsockopt(client, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
            } else {
                shutdown(client, Int32(SHUT_RDWR))
            }
            close(client)
        }
        guard let head = Self.head(from: client) else { return }
        let line = String(decoding: head.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        requests.withLock { $0.append(line) }
        let fault = decide(line)
        if fault == .resetBefore {
            mustReset = true
            return
        }
        guard let body = Self.bytes(Self.length(head), from: client) else { return }
        switch fault {
        case .status(let status):
            _ = UnixSocket.send("HTTP/1.1 \(status) No\r\nContent-Length: 0\r\n\r\n".utf8, to: client)
        case .hang:
            while !isOver.withLock(\.self), !Self.isGone(client) { usleep(10_000) }
        default:
            let answer = ask(head, body)
            if fault == .resetAfter {
                mustReset = true
            } else {
                let end = Self.headEnd(answer) ?? 0
                let short = answer.count > end ? end + (answer.count - end) / 2 : end / 2
                _ = UnixSocket.send(answer.prefix(fault == .shortAnswer ? short : answer.count), to: client)
            }
        }
    }

    /// Asks the server for one answer and its end.
    private func ask(_ head: [UInt8], _ body: [UInt8]) -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        let isConnected = Self.withAddress(server) { address, length in connect(descriptor, address, length) == 0 }
        let request: [UInt8] = head[..<(head.count - 2)] + Array("Connection: close\r\n\r\n".utf8) + body
        guard isConnected, UnixSocket.send(request, to: descriptor) else { return [] }
        var answer: [UInt8] = []
        while let bytes = Self.some(from: descriptor) { answer += bytes }
        return answer
    }

    private static func withAddress<Value>(
        _ port: UInt16,
        _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) throws -> Value
    ) rethrows -> Value {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func head(from client: Int32) -> [UInt8]? {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let byte = bytes(1, from: client) else { return nil }
            head += byte
        }
        return head
    }

    private static func headEnd(_ answer: [UInt8]) -> Int? {
        answer.indices.first { answer[$0...].starts(with: "\r\n\r\n".utf8) }.map { $0 + 4 }
    }

    private static func length(_ head: [UInt8]) -> Int {
        for line in String(decoding: head, as: UTF8.self).lowercased().split(separator: "\r\n")
        where line.hasPrefix("content-length:") {
            return Int(line.dropFirst(15).drop { $0 == " " }) ?? 0
        }
        return 0
    }

    private static func bytes(_ count: Int, from client: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let more = some(from: client, limit: count - bytes.count) else { return nil }
            bytes += more
        }
        return bytes
    }

    private static func some(from descriptor: Int32, limit: Int = 64 << 10) -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: min(limit, 64 << 10)) { space, count in
            count = max(0, recv(descriptor, space.baseAddress, space.count, 0))
        }
        return bytes.isEmpty ? nil : bytes
    }

    private static func isGone(_ client: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(client, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
    }
}

/// Decides that every request fails once and then arrives.
final class OnceEach: Sendable {
    private let seen = Mutex<Set<String>>([])

    func isFirst(_ line: String) -> Bool {
        seen.withLock { $0.insert(line).inserted }
    }
}
