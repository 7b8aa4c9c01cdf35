import Base
import CCurl
import HTTPTypes

/// Sets the options of an easy handle; remembers the first refusal.
struct CurlSetup {
    let easy: UnsafeMutableRawPointer
    private(set) var code = CURLE_OK

    init(easy: UnsafeMutableRawPointer) {
        self.easy = easy
    }

    /// How to reach and trust servers.
    mutating func connect(_ configuration: HTTPClientConfiguration) {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        // An empty proxy keeps libcurl from looking for one in the environment.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(configuration.connectTimeout / .milliseconds(1)))
        set(CURLOPT_SSL_VERIFYPEER, configuration.allowsInsecureTLS ? 0 : 1)
        set(CURLOPT_SSL_VERIFYHOST, configuration.allowsInsecureTLS ? 0 : 2)
        if let file = configuration.certificateAuthorityFile { set(CURLOPT_CAINFO, file) }
        set(CURLOPT_USERAGENT, configuration.userAgent)
    }

    /// Who is called back, and where libcurl writes what went wrong.
    mutating func callbacks(context: UnsafeMutableRawPointer, errorBuffer: UnsafeMutablePointer<CChar>) {
        note(ccurl_set_pointer(easy, CURLOPT_PRIVATE, context))
        note(ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer))
        note(ccurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION, CURLOPT_HEADERDATA, receiveHeaderLine, context))
        note(ccurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION, CURLOPT_WRITEDATA, receiveBytes, context))
        note(ccurl_set_data_callback(easy, CURLOPT_READFUNCTION, CURLOPT_READDATA, supplyBytes, context))
        note(ccurl_set_before_request(easy, beginRequest, context))
        note(ccurl_set_new_socket(easy, takeSocket, context))
    }

    /// The server and the path, taken literally.
    mutating func address(_ request: CurlRequest) {
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_URL, request.url)
        if let path = request.endpoint.socketPath { set(CURLOPT_UNIX_SOCKET_PATH, path) }
    }

    /// Who signs the request; without one, no credential is ever set.
    mutating func signature(_ signature: AWSSignature?) {
        guard let signature else { return }
        set(CURLOPT_AWS_SIGV4, signature.scope)
        set(CURLOPT_USERNAME, signature.accessKey)
        set(CURLOPT_PASSWORD, signature.secretAccessKey.revealed)
    }

    /// The header fields; the caller frees the list after the transfer.
    mutating func headers(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                note(CURLE_OUT_OF_MEMORY)
                break
            }
            list = longer
        }
        note(ccurl_set_headers(easy, list))
        return list
    }

    /// The method and the body.
    mutating func body(_ request: CurlRequest) {
        switch request.payload {
        case .none where request.method == .head:
            set(CURLOPT_NOBODY, 1)
        case .none where request.method == .get:
            set(CURLOPT_HTTPGET, 1)
        case .none where [.post, .put, .patch].contains(request.method):
            // These methods announce even an empty body.
            copyBody([])
        case .none:
            break
        case .bytes(let bytes):
            copyBody(bytes)
        case .stream(let length):
            set(CURLOPT_UPLOAD, 1)
            // A body that cannot be sent again never goes over an old connection, which may be dead.
            set(CURLOPT_FRESH_CONNECT, 1)
            note(ccurl_set_size(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(length ?? -1)))
        }
        if request.method != .head { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    }

    private mutating func copyBody(_ bytes: [UInt8]) {
        set(CURLOPT_POST, 1)
        bytes.withUnsafeBytes { buffer in
            // An empty array may have no address, which libcurl would take for "no body given".
            withUnsafePointer(to: UInt8(0)) { zero in
                note(ccurl_copy_body(easy, buffer.baseAddress ?? UnsafeRawPointer(zero), curl_off_t(bytes.count)))
            }
        }
    }

    private mutating func set(_ option: CURLoption, _ value: Int) {
        note(ccurl_set_long(easy, option, value))
    }

    private mutating func set(_ option: CURLoption, _ value: String) {
        note(ccurl_set_string(easy, option, value))
    }

    private mutating func note(_ code: CURLcode) {
        if self.code == CURLE_OK { self.code = code }
    }
}

private func handle(_ context: UnsafeMutableRawPointer?) -> CurlHandle? {
    context.map { Unmanaged<CurlHandle>.fromOpaque($0).takeUnretainedValue() }
}

private func receiveHeaderLine(
    _ data: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    let line = UnsafeRawBufferPointer(start: data, count: size * count)
    return handle(context)?.receive(headerLine: line) == true ? line.count : 0
}

private func receiveBytes(
    _ data: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
    return handle(context)?.receive(bytes: bytes) == true ? bytes.count : Int(CURL_WRITEFUNC_PAUSE)
}

private func supplyBytes(
    _ data: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    let space = UnsafeMutableRawBufferPointer(start: data, count: size * count)
    return handle(context)?.supply(space) ?? Int(CURL_READFUNC_PAUSE)
}

private func beginRequest(
    _ context: UnsafeMutableRawPointer?,
    _: UnsafeMutablePointer<CChar>?,
    _: UnsafeMutablePointer<CChar>?,
    _: Int32,
    _ localPort: Int32
) -> Int32 {
    handle(context)?.mayBegin(localPort: localPort) == false ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK
}

private func takeSocket(_ context: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _: curlsocktype) -> Int32 {
    handle(context)?.note(newSocket: socket)
    return CURL_SOCKOPT_OK
}
