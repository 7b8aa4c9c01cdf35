/// How one FastCGI socket is served.
package struct FastCGIConfiguration: Sendable {
    /// Where the Unix socket is made, mode 0660.
    package var socketPath: String
    /// The most threads that may wait for the rest of request bodies; nothing else holds a thread while it waits.
    package var threads: Int
    /// A short name for threads and logs: `api` or `stream`.
    package var name: String
    /// The largest request body in bytes; nil means unlimited.
    package var bodyLimit: Int?
    /// The largest request head in bytes, all parameters together; at most 128 KiB, which a socket buffer surely holds.
    package var parameterLimit: Int
    /// The most connections, kept ones included; further ones wait in the socket's backlog.
    package var connectionLimit: Int
    /// How long running requests may go on after a graceful stop; then they are cancelled.
    package var drainTime: Duration

    /// How long a head may take from its first byte to its last, and how long the rest of an unwanted body is read.
    package var patience: Duration

    /// Makes a configuration; the defaults suit short requests.
    package init(
        socketPath: String,
        threads: Int,
        name: String,
        bodyLimit: Int? = 1 << 20,
        parameterLimit: Int = 64 << 10,
        connectionLimit: Int = 8192,
        drainTime: Duration = .seconds(5),
        patience: Duration = .seconds(10)
    ) {
        self.socketPath = socketPath
        self.threads = threads
        self.name = name
        self.bodyLimit = bodyLimit
        self.parameterLimit = min(parameterLimit, 128 << 10)
        self.connectionLimit = connectionLimit
        self.drainTime = drainTime
        self.patience = patience
    }
}
