import Base
import CLinux
import Glibc

/// Small files without a name, to hand bytes to a child by descriptor.
enum MemoryFile {
    /// Makes a file with these bytes, to be read from its beginning.
    /// - Throws: ``SystemError``.
    static func make(_ name: String, _ bytes: [UInt8]) throws -> OwnedDescriptor {
        let file = OwnedDescriptor(clinux_memory_file(name))
        guard file.number >= 0 else { throw SystemError("make a file in memory") }
        let count = bytes.withUnsafeBytes { pwrite(file.number, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else { throw SystemError("write a file in memory") }
        return file
    }
}
