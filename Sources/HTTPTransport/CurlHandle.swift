import CCurl
import Glibc

/// One easy handle of libcurl's with what must live as long as a transfer uses it; reused for one transfer after another.
///
/// Not `Sendable`: it lives on the loop thread alone. libcurl's callbacks come on that thread, too, and get the handle as
/// their context.
final class CurlHandle {
    let easy: UnsafeMutableRawPointer
    private(set) var transfer: CurlTransfer?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let words: UnsafeMutablePointer<CChar>
    private var parser = HeadParser()
    private var refusal: HTTPTransportError?
    private var hasNews = false
    private var started = ContinuousClock.now
    /// Sockets that were opened for a streamed body, of which the last to connect may not be the one that is used.
    private var candidates: [Int32] = []
    private var socket: Int32?

    /// Whether a callback paused the transfer because the reader's buffer was full.
    var isReceivingPaused = false
    /// Whether a callback paused the transfer because the producer had nothing.
    var isSendingPaused = false
    /// Whether the server had hung up at the last look, while the transfer waited for its producer.
    var wasHungUp = false
    /// How many bytes had moved at the last look, and since when they have not moved.
    var progress: (bytes: Int, since: ContinuousClock.Instant) = (0, .now)

    /// Makes a handle, or nil when there is no memory.
    init?() {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        words = .allocate(capacity: Int(CURL_ERROR_SIZE))
        words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        words.deallocate()
    }

    /// The handle that owns libcurl's `easy`.
    static func of(_ easy: UnsafeMutableRawPointer?) -> CurlHandle? {
        ccurl_get_private(easy).map { Unmanaged<CurlHandle>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Whether the caller's side holds the transfer up.
    var isPaused: Bool { isReceivingPaused || isSendingPaused }

    /// Whether the server has closed its side of the connection.
    ///
    /// libcurl reads no more once the server closed, and does not look at a connection whose sending is paused.
    var isHungUp: Bool {
        guard let socket else { return false }
        var look = pollfd(fd: socket, events: Int16(ccurl_poll_hang_up), revents: 0)
        return poll(&look, 1, 0) > 0
    }

    /// How many bytes moved so far, both ways.
    var byteCount: Int {
        Int(ccurl_get_size(easy, CURLINFO_SIZE_UPLOAD_T)) + Int(ccurl_get_size(easy, CURLINFO_SIZE_DOWNLOAD_T))
            + ccurl_get_long(easy, CURLINFO_HEADER_SIZE)
    }

    /// Makes the handle ready for the next transfer.
    func clear() {
        transfer = nil
        curl_easy_reset(easy)
        curl_slist_free_all(headerList)
        headerList = nil
        words[0] = 0
        parser = HeadParser()
        refusal = nil
        hasNews = false
        isReceivingPaused = false
        isSendingPaused = false
        wasHungUp = false
        candidates = []
        socket = nil
    }

    /// Wakes the reader once for all that arrived in this turn of the loop.
    func publish() {
        guard hasNews, let transfer else { return }
        hasNews = false
        if transfer.response.publish() { transfer.resumeReceiving() }
    }

    /// Tells libcurl which directions are paused; it may call back at once.
    func applyPause() -> CURLcode {
        let receiving = isReceivingPaused ? CURLPAUSE_RECV : 0
        let sending = isSendingPaused ? CURLPAUSE_SEND : 0
        return curl_easy_pause(easy, receiving | sending)
    }

    // MARK: - Results

    /// What libcurl's last word on the transfer means.
    func result(_ code: CURLcode) -> Result<Void, any Error> {
        // An answer may end after interim heads only, which libcurl takes for success.
        let code = code == CURLE_OK && !parser.isComplete ? CURLE_GOT_NOTHING : code
        return code == CURLE_OK ? .success(()) : .failure(error(code))
    }

    /// Whether a Unix socket refused because too many wait there to be accepted, and waiting is still reasonable.
    ///
    /// libcurl names a system error for every other reason.
    func wasCrowdedOut(_ code: CURLcode, patience: Duration) -> Bool {
        guard code == CURLE_COULDNT_CONNECT, transfer?.request.endpoint.socketPath != nil else { return false }
        let reason = Int32(ccurl_get_long(easy, CURLINFO_OS_ERRNO))
        return (reason == 0 || reason == EAGAIN) && started + patience > .now
    }

    /// The error for a code, with libcurl's own words, or the reason for which a callback refused to go on.
    func error(_ code: CURLcode) -> any Error {
        if let refusal { return refusal }
        guard let request = transfer?.request else { return CancellationError() }
        let words = String(cString: words)
        return request.error(Self.kind(of: code), words.isEmpty ? String(cString: curl_easy_strerror(code)) : words)
    }

    private static func kind(of code: CURLcode) -> HTTPTransportError.Kind {
        switch code {
        // The only time-out that libcurl itself watches is that for connecting.
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_OPERATION_TIMEDOUT, CURLE_INTERFACE_FAILED:
            .cannotConnect
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED,
            CURLE_SSL_ENGINE_INITFAILED:
            .tls
        case CURLE_URL_MALFORMAT:
            .badURL
        default:
            .brokenTransfer
        }
    }

    // MARK: - Callbacks

    /// Takes a line of the head; false breaks the transfer off.
    func receive(headerLine line: UnsafeRawBufferPointer) -> Bool {
        guard let transfer else { return false }
        switch parser.take(line) {
        case .more:
            return true
        case .complete(let head):
            transfer.response.take(head: head)
            hasNews = true
            return true
        case .malformed:
            refusal = transfer.request.error(.brokenTransfer, "the answer's head is malformed")
        case .tooLarge:
            refusal = transfer.request.error(.tooLarge, "the answer's head is larger than \(HeadParser.limit) bytes")
        }
        return false
    }

    /// Takes bytes of the body; false pauses the transfer.
    func receive(bytes: UnsafeRawBufferPointer) -> Bool {
        guard let transfer else { return true }
        hasNews = true
        isReceivingPaused = !transfer.response.take(bytes: bytes)
        return !isReceivingPaused
    }

    /// Gives bytes of the request body; nil pauses the transfer, zero ends the body.
    func supply(_ space: UnsafeMutableRawBufferPointer) -> Int? {
        switch transfer?.upload?.read(into: space) {
        case .bytes(let count): return count
        case .notYet:
            isSendingPaused = true
            return nil
        case .end, nil: return 0
        }
    }

    /// Notes a socket that libcurl opens.
    func note(newSocket socket: Int32) {
        if case .stream = transfer?.request.payload { candidates.append(socket) }
    }

    private static func port(of socket: Int32) -> Int32? {
        // The port lies at the same place in the addresses of both families.
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        return code == 0 ? Int32(UInt16(bigEndian: address.sin6_port)) : nil
    }

    /// Agrees to the request being sent over the connection that was chosen.
    ///
    /// libcurl repeats a request when a reused connection breaks before the first byte of an answer. If a part of it had been
    /// sent, the server may have acted on it, so this refuses unless acting twice does no harm (RFC 9110, section 9.2.2).
    func mayBegin(localPort: Int32) -> Bool {
        socket = candidates.last { Self.port(of: $0) == localPort || transfer?.request.endpoint.socketPath != nil }
        guard let request = transfer?.request, !request.isIdempotent else { return true }
        guard ccurl_get_long(easy, CURLINFO_REQUEST_SIZE) > 0 else { return true }
        refusal = request.error(.brokenTransfer, "the connection broke before the answer began")
        return false
    }
}

extension CurlHandle {
    /// Sets all options for a transfer.
    func prepare(_ transfer: CurlTransfer, _ configuration: HTTPClientConfiguration) throws(HTTPTransportError) {
        self.transfer = transfer
        started = .now
        let request = transfer.request
        var setup = CurlSetup(easy: easy)
        setup.connect(configuration)
        setup.callbacks(context: Unmanaged.passUnretained(self).toOpaque(), errorBuffer: words)
        setup.address(request)
        headerList = setup.headers(request.headerLines)
        setup.body(request)
        setup.signature(request.signature)
        guard setup.code == CURLE_OK else {
            let reason = String(cString: curl_easy_strerror(setup.code))
            throw request.error(setup.code == CURLE_OUT_OF_MEMORY ? .closed : .badURL, "libcurl refused: \(reason)")
        }
    }
}
