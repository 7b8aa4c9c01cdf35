/// Writes a log through the mask, so that no secret ever reaches the disk.
struct MaskedLog: ~Copyable {
    /// Where the log goes.
    let spool: LogSpool
    private var stream: SecretMaskStream
    private var shown: [UInt8] = []

    /// Begins a log.
    init(_ spool: LogSpool, mask: SecretMask) {
        self.spool = spool
        stream = SecretMaskStream(mask)
    }

    /// Takes output of the step.
    /// - Throws: ``SystemError`` when it cannot be written.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        stream.append(bytes, to: &shown)
        try flush()
    }

    /// Adds a line of the executor's own.
    /// - Throws: ``SystemError`` when it cannot be written.
    mutating func note(_ line: String) throws {
        var line = line + "\n"
        try line.withUTF8 { try append(UnsafeRawBufferPointer($0)) }
    }

    /// Writes what was held back and completes the spool.
    /// - Returns: the log's length.
    /// - Throws: ``SystemError`` when it cannot be written; the spool is complete all the same.
    mutating func finish() throws -> Int64 {
        stream.finish(to: &shown)
        defer { spool.complete() }
        try flush()
        return spool.extent.length
    }

    private mutating func flush() throws {
        defer { shown.removeAll(keepingCapacity: true) }
        try shown.withUnsafeBytes { try spool.append($0) }
    }
}
