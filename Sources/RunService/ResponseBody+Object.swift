import Hummingbird
import NIOCore
import ObjectStorage

extension ResponseBody {
    /// An object's bytes from `start` on, read as the caller takes them.
    init(of object: any ObjectReader, from start: Int64 = 0) {
        let rest = max(0, object.size - start)
        self.init(contentLength: Int(rest)) { writer in
            for try await bytes in object.chunks(object.size - rest..<object.size) {
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
    }
}
