import Base
import Glibc
import TestSupport
import Testing

@Suite("The lock of a data directory", .temporaryDirectory, .timeLimit(.minutes(5)))
struct DirectoryLockTests {
    @Test("is waited for while a child of a killed process still has it for a moment")
    func leftOver() throws {
        let left = open("\(TemporaryDirectory.path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(flock(left, LOCK_EX | LOCK_NB) == 0)
        try NamedThread.start(name: "left-over") {
            usleep(200_000)
            close(left)
        }
        _ = try DirectoryLock(TemporaryDirectory.path, for: "test")
    }

    @Test("is refused while another process keeps it")
    func inUse() throws {
        let lock = try DirectoryLock(TemporaryDirectory.path, for: "test")
        #expect(throws: Failure.self) { try DirectoryLock(TemporaryDirectory.path, for: "test") }
        withExtendedLifetime(lock) {}
    }
}
