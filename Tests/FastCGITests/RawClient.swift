import Base
import Glibc

/// A FastCGI client that can do everything wrong.
///
/// Its calls block; they run on threads of their own, so that they never hold up the server in the same process.
final class RawClient: Sendable {
    private static let pool = BlockingPool(name: "raw-client", threads: 64)
    let descriptor: Int32

    struct Reply: Equatable {
        var output = ""
        var isEnded = false
        var isClosed = false
        /// Whether the server said that the response is not whole.
        var isBrokenOff = false

        var status: Int? {
            guard output.hasPrefix("Status:") else { return nil }
            return Int(output.dropFirst(7).drop { $0 == " " }.prefix(3))
        }

        var body: String {
            guard let end = output.utf8.firstRange(of: "\r\n\r\n".utf8) else { return "" }
            return String(output.utf8[end.upperBound...]) ?? ""
        }
    }

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw SystemError("connect to \(path)") }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
    }

    /// Sends everything; a peer that went away is no error.
    func send(_ bytes: [UInt8]) async throws {
        try await Self.pool.run { [descriptor] in
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

    func send(_ encoder: RecordEncoder) async throws {
        try await send(encoder.bytes)
    }

    /// Ends our direction, or both.
    func shutDown(_ direction: Int = SHUT_RDWR) {
        shutdown(descriptor, Int32(direction))
    }

    /// Reads records until the request ends, the peer closes, or `stop` is satisfied.
    func reply(until stop: @escaping @Sendable (Reply) -> Bool = { _ in false }) async throws -> Reply {
        try await Self.pool.run { [descriptor] in
            var reply = Reply()
            while !reply.isEnded, !stop(reply) {
                guard let header = try Self.read(descriptor, 8) else {
                    reply.isClosed = true
                    break
                }
                if header[0] != 1 { reply.isBrokenOff = true }
                let length = Int(header[4]) << 8 | Int(header[5])
                guard let content = try Self.read(descriptor, length + Int(header[6])) else {
                    reply.isClosed = true
                    break
                }
                if header[1] == 6 { reply.output += String(decoding: content.prefix(length), as: UTF8.self) }
                if header[1] == 3 { reply.isEnded = true }
            }
            return reply
        }
    }

    private static func read(_ descriptor: Int32, _ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let step = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: received), count - received, 0)
            }
            if step < 0, errno == EAGAIN { throw SystemError("wait for a reply") }
            guard step > 0 else { return nil }
            received += step
        }
        return bytes
    }
}
