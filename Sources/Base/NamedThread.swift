import CLinux
import Glibc

/// Starts threads for the C libraries that block; everything else runs on Swift's own pool.
public enum NamedThread {
    /// Starts a detached thread.
    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; at most 15 bytes are kept.
    ///   - bytes: the size of the stack; nil takes the system's default.
    ///   - body: the thread's life.
    /// - Throws: ``SystemError`` when the system has no thread to give.
    public static func start(
        name: String,
        stackSize bytes: Int? = nil,
        _ body: @escaping @Sendable () -> Void
    ) throws {
        let start = Unmanaged.passRetained(
            Start(name: String(decoding: name.utf8.prefix(15), as: UTF8.self), body: body)
        )
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        if let bytes { pthread_attr_setstacksize(&attributes, bytes) }
        var thread = pthread_t()
        let code = pthread_create(&thread, &attributes, threadMain, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError("start thread \(name)", code: code)
        }
    }
}

private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    clinux_set_thread_name(start.name)
    start.body()
    return nil
}
