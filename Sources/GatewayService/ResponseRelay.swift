import HTTPTransport
import Hummingbird
import NIOCore

extension ResponseBody {
    /// Passes on what a worker answers, piece by piece, as fast as the client takes it.
    static func relaying(_ body: HTTPReplyBody) -> ResponseBody {
        ResponseBody { writer in
            for try await bytes in body { try await writer.write(ByteBuffer(bytes: bytes)) }
            try await writer.finish(nil)
        }
    }
}
