import Base
import CFastCGI
import Glibc
import NIOCore
import Synchronization

/// One connection from the web server.
///
/// A connection never holds a thread while it waits: bytes are looked at in the socket until a whole head is there, and are
/// written only when the socket takes them. The one exception is a request body that has not arrived yet.
final class FastCGIConnection: Sendable {
    private struct State {
        var isClosed = false
        /// What may still be written without asking the kernel, in bytes of its own accounting.
        var credit = FastCGIConnection.fullCredit
    }

    /// What a writable socket surely takes.
    ///
    /// The kernel calls a Unix socket writable when a quarter of its buffer is used at most. Of the usual 208 KiB that
    /// leaves 156.
    private static let fullCredit = 128 << 10
    private static let chunkSize = 16 << 10
    private static let sendBufferSize: Int32 = 208 << 10
    /// For the two cases that should not block: a write that the credit allowed, and a body that stops in a record.
    private static let socketTimeout = 75

    private let descriptor: Int32
    private let poller: Poller
    private let token: Poller.Token
    private let state = Mutex(State())
    private let output: Bell

    /// Rings when there may be something to read.
    let input: Bell
    /// Rings when the web server has closed the connection, or when we are done with it.
    let end: Bell

    /// Takes over an accepted descriptor.
    /// - Throws: ``SystemError`` when it cannot be watched; the descriptor is closed then.
    init(descriptor: Int32, poller: Poller) throws {
        let (input, output, end) = (Bell(), Bell(), Bell())
        do {
            try Self.prepare(descriptor)
            token = try poller.watch(descriptor) { events in
                if events.contains(.input) { input.ring() }
                if events.contains(.output) { output.ring() }
                if !events.isDisjoint(with: .hangUp) {
                    for bell in [input, output, end] { bell.ring() }
                }
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        (self.input, self.output, self.end) = (input, output, end)
        self.descriptor = descriptor
        self.poller = poller
    }

    private static func prepare(_ descriptor: Int32) throws {
        var size = sendBufferSize
        let length = socklen_t(MemoryLayout<Int32>.size)
        guard setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, length) == 0,
            cfastcgi_set_timeout(descriptor, SO_SNDTIMEO, socketTimeout) == 0,
            cfastcgi_set_timeout(descriptor, SO_RCVTIMEO, socketTimeout) == 0
        else { throw SystemError("prepare connection") }
    }

    /// What stands in the socket.
    enum Arrival: Equatable {
        case head(HeadScanner.Verdict)
        case nothing
        case end
    }

    /// Looks at the bytes that have arrived without taking them.
    func peek(limit: Int) -> Arrival {
        let arrival = peekOnce(limit: limit)
        guard arrival == .head(.incomplete), cfastcgi_is_input_over(descriptor) != 0 else { return arrival }
        // The last bytes may have come between the two looks.
        let last = peekOnce(limit: limit)
        return last == .head(.incomplete) ? .end : last
    }

    private func peekOnce(limit: Int) -> Arrival {
        let first = peek(capacity: 8 << 10, limit: limit)
        switch first.arrival {
        case .head(.incomplete), .head(.complete(bodyIsComplete: false)):
            // A body of up to 64 KiB behind the largest head is still worth finding whole: it needs no thread then.
            return first.isFull ? peek(capacity: limit + (64 << 10), limit: limit).arrival : first.arrival
        default:
            return first.arrival
        }
    }

    private func peek(capacity: Int, limit: Int) -> (arrival: Arrival, isFull: Bool) {
        withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 8) { buffer in
            let flags = Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)
            let count = recv(descriptor, buffer.baseAddress, capacity, flags)
            guard count > 0 else {
                return (count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .end, false)
            }
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
            return (.head(HeadScanner.scan(bytes, limit: limit)), count == capacity)
        }
    }

    /// Reads a head that ``peek(limit:)`` found complete.
    func makeExchange() throws -> FastCGIExchange {
        try FastCGIExchange(reading: descriptor)
    }

    /// Writes bytes through `exchange`, waiting without a thread whenever the web server does not read.
    /// - Throws: ``Failure`` when the web server is gone, or `CancellationError`.
    func write(_ buffer: ByteBuffer, through exchange: FastCGIExchange) async throws {
        var rest = buffer
        while let chunk = rest.readSlice(length: min(rest.readableBytes, Self.chunkSize)), chunk.readableBytes > 0 {
            try await waitUntilWritable(chunk.readableBytes)
            try chunk.withUnsafeReadableBytes { try exchange.write($0) }
        }
    }

    /// Sends what `exchange` has buffered.
    /// - Throws: as ``write(_:through:)``.
    func flush(_ exchange: FastCGIExchange) async throws {
        try await waitUntilWritable(0)
        try exchange.flush()
    }

    /// Ends the response of `exchange`.
    /// - Throws: as ``write(_:through:)``.
    func finish(_ exchange: FastCGIExchange) async throws {
        try await waitUntilWritable(0)
        try exchange.finish()
    }

    /// Tells the web server that the response of `exchange` is not whole.
    ///
    /// Closing the connection is not enough: without buffering nginx takes that for the end. A record of a version that does
    /// not exist makes it break off the client's connection, too. Best effort: a socket that takes nothing is just closed.
    func breakOff(_ exchange: FastCGIExchange) {
        guard isWritable else { return }
        do {
            try exchange.flush()
        } catch {
            return
        }
        let record = [UInt8](repeating: 0, count: 8)
        _ = send(descriptor, record, record.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }

    private func waitUntilWritable(_ bytes: Int) async throws {
        // A write of n bytes is accounted with up to 2n, as buffers come in powers of two, and about 1 KiB of its own;
        // libfcgi writes once for every 8 KiB.
        let charge = 2 * bytes + 1536 * (1 + bytes >> 13)
        while true {
            try Task.checkCancellation()
            let isCovered = state.withLock { state in
                guard state.credit >= charge else { return false }
                state.credit -= charge
                return true
            }
            if isCovered { return }
            if !isWritable {
                let seen = output.count
                try poller.watchOutput(descriptor, token)
                if !isWritable { try await output.wait(beyond: seen) }
                try poller.unwatchOutput(descriptor, token)
                continue
            }
            state.withLock { $0.credit = Self.fullCredit }
        }
    }

    private var isWritable: Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    /// Tells that the web server has read everything: it does so before it sends the next request.
    func renewCredit() {
        state.withLock { $0.credit = Self.fullCredit }
    }

    /// Makes a blocked read return, from any thread.
    ///
    /// Writers hear of cancellation by themselves, and may still have to ``breakOff(_:)``.
    func stopReading() {
        state.withLock { state in
            if !state.isClosed { _ = shutdown(descriptor, Int32(SHUT_RD)) }
        }
    }

    /// Gives the descriptor back; the last call.
    func close() {
        poller.forget(descriptor, token)
        state.withLock { state in
            if !state.isClosed { Glibc.close(descriptor) }
            state.isClosed = true
        }
    }
}
