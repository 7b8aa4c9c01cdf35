import HTTPTransport
import Hummingbird
import NIOCore

extension ResponseBody {
    /// Passes on what a worker answers, piece by piece, as fast as the client takes it; what breaks off there breaks off here.
    static func relaying(_ body: HTTPReplyBody, length: Int? = nil) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            for try await bytes in body { try await writer.write(ByteBuffer(bytes: bytes)) }
            try await writer.finish(nil)
        }
    }
}
