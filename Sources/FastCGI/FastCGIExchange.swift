import Base
import CFastCGI
import NIOCore
import Synchronization

/// One request and its response in libfcgi.
///
/// Unchecked because of the library's request, a C structure behind a pointer. The invariant: its `in` stream is used only
/// with `input` locked, its `out` and `err` streams only with `output` locked, and the rest only in `init`, in ``finish()``,
/// which locks both, and in `deinit`. The library keeps no state between the streams that reading and writing share.
final class FastCGIExchange: @unchecked Sendable {
    private static let isLibraryReady = FCGX_Init() == 0
    private static let bufferSize = 64 << 10

    private struct Input {
        var isAtEnd = false
        var isOver = false
    }

    private struct Output {
        var isOver = false
    }

    private let request: UnsafeMutablePointer<FCGX_Request>
    private let input = Mutex(Input())
    private let output = Mutex(Output())

    /// The head of the request, or why it is refused.
    let head: Result<RequestHead, APIError>
    /// Whether the web server keeps the connection for further requests.
    let keepsConnection: Bool

    /// Reads the head from a connection; blocks unless ``HeadScanner`` found it complete.
    ///
    /// The descriptor stays the caller's: the exchange never closes it.
    /// - Throws: ``Failure`` when libfcgi finds no request.
    init(reading descriptor: Int32) throws {
        guard Self.isLibraryReady else { throw Failure("libfcgi cannot be initialised") }
        request = .allocate(capacity: 1)
        request.initialize(to: FCGX_Request())
        cfastcgi_adopt(request, descriptor)
        let status = FCGX_Accept_r(request)
        guard status == 0 else {
            request.deallocate()
            throw Failure("libfcgi found no request (status \(status))")
        }
        keepsConnection = cfastcgi_keeps_connection(request) != 0
        head = Result { [request] () throws(APIError) in
            try RequestHead(parameters: ParameterSequence(entry: request.pointee.envp))
        }
    }

    deinit {
        _ = cfastcgi_disown(request)
        FCGX_Free(request, 0)
        request.deallocate()
    }

    /// The next bytes of the body, at most 64 KiB, or nil at its end; blocks until there are some.
    /// - Throws: ``Failure`` when the client is gone or broke the protocol.
    func read() throws -> ByteBuffer? {
        try input.withLock { input in
            guard !input.isOver else { throw Failure("request body was read after the response") }
            guard !input.isAtEnd, let stream = request.pointee.in else { return nil }
            var buffer = ByteBuffer()
            repeat {
                let first = FCGX_GetChar(stream)
                guard first >= 0 else {
                    try Self.check(stream, "read request body")
                    input.isAtEnd = true
                    break
                }
                buffer.writeInteger(UInt8(truncatingIfNeeded: first))
                let count = min(Int32(cfastcgi_buffered(stream)), Int32(Self.bufferSize - buffer.readableBytes))
                buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(count)) { bytes in
                    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                    return count > 0 ? Int(FCGX_GetStr(start, count, stream)) : 0
                }
            } while buffer.readableBytes < Self.bufferSize && cfastcgi_buffered(stream) > 0
            return buffer.readableBytes > 0 ? buffer : nil
        }
    }

    /// Puts bytes into the library's buffer of 8 KiB, and on into the socket whenever that is full.
    /// - Throws: ``Failure`` when the client is gone.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try withOutput { stream in
            guard let start = bytes.baseAddress, bytes.count > 0 else { return }
            _ = FCGX_PutStr(start.assumingMemoryBound(to: CChar.self), Int32(bytes.count), stream)
            try Self.check(stream, "write response")
        }
    }

    /// The whole body; does not block when ``HeadScanner`` found it complete.
    /// - Throws: as ``read()``.
    func readAll() throws -> ByteBuffer {
        var whole = try read() ?? ByteBuffer()
        while var part = try read() { whole.writeBuffer(&part) }
        return whole
    }

    /// Reads and forgets the rest of the body after the response; blocks, but not beyond `deadline` by more than one read.
    /// - Returns: whether the end was reached, so that the connection stands at its next request.
    func drain(until deadline: Deadline) -> Bool {
        input.withLock { input in
            guard let stream = request.pointee.in else { return false }
            while !input.isAtEnd, !deadline.isPast {
                guard FCGX_GetChar(stream) < 0 else {
                    stream.pointee.rdNext += cfastcgi_buffered(stream)
                    continue
                }
                guard FCGX_GetError(stream) == 0 else { return false }
                input.isAtEnd = true
            }
            return input.isAtEnd
        }
    }

    /// Sends what is buffered.
    /// - Throws: ``Failure`` when the client is gone.
    func flush() throws {
        try withOutput { stream in
            guard FCGX_FFlush(stream) == 0 else { throw Self.failure(stream, "flush response") }
        }
    }

    /// Ends the response in order, so that the web server knows it is whole.
    /// - Throws: ``Failure`` when the client is gone.
    func finish() throws {
        input.withLock { $0.isOver = true }
        try withOutput { stream in
            FCGX_FClose(request.pointee.err)
            guard FCGX_FClose(stream) == 0 else { throw Self.failure(stream, "finish response") }
        }
        output.withLock { $0.isOver = true }
    }

    private func withOutput(_ body: (UnsafeMutablePointer<FCGX_Stream>) throws -> Void) throws {
        try output.withLock { output in
            guard !output.isOver, let stream = request.pointee.out else {
                throw Failure("response was written after its end")
            }
            try body(stream)
        }
    }

    private static func check(_ stream: UnsafeMutablePointer<FCGX_Stream>, _ action: String) throws {
        if FCGX_GetError(stream) != 0 { throw failure(stream, action) }
    }

    private static func failure(_ stream: UnsafeMutablePointer<FCGX_Stream>, _ action: String) -> Failure {
        let code = FCGX_GetError(stream)
        guard code > 0 else { return Failure("\(action): libfcgi error \(code)") }
        return Failure(action, cause: SystemError("socket", code: code))
    }
}

/// The parameters as libfcgi keeps them: C strings `NAME=value`, ended by nil.
private struct ParameterSequence: Sequence, IteratorProtocol {
    var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

    mutating func next() -> (name: Substring.UTF8View, value: String)? {
        guard let text = entry?.pointee else { return nil }
        entry = entry?.advanced(by: 1)
        let pair = String(cString: text)
        let split = pair.utf8.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
        let value = split < pair.endIndex ? pair[pair.utf8.index(after: split)...] : ""
        return (pair[..<split].utf8, String(value))
    }
}
