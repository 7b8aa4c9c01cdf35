import Base
import Glibc

/// A file descriptor that is closed with its last owner.
final class OwnedDescriptor: Sendable {
    /// The descriptor's number.
    let number: Int32

    /// Takes over a descriptor.
    init(_ number: Int32) {
        self.number = number
    }

    /// Opens a file, close-on-exec.
    /// - Throws: ``SystemError`` naming the path.
    init(path: String, flags: Int32, mode: mode_t = 0o600) throws {
        number = open(path, flags | O_CLOEXEC, mode)
        guard number >= 0 else { throw SystemError("open \(path)") }
    }

    /// Takes over the two descriptors that a function of C opens.
    /// - Throws: ``SystemError``.
    static func pair(
        _ operation: String,
        _ open: (UnsafeMutablePointer<Int32>?) -> Int32
    ) throws -> (OwnedDescriptor, OwnedDescriptor) {
        var numbers: [Int32] = [-1, -1]
        guard numbers.withUnsafeMutableBufferPointer({ open($0.baseAddress) }) == 0 else {
            throw SystemError(operation)
        }
        return (OwnedDescriptor(numbers[0]), OwnedDescriptor(numbers[1]))
    }

    deinit {
        close(number)
    }
}
