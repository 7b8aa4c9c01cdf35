import Base
import TestSupport

/// Power that fails: a file system stops for good with everything that was not synced, and is mounted again.
struct PowerLoss: Sendable {
    /// Where it is mounted.
    let disk: String
    /// The file that holds it.
    let image: String

    /// EXT4_IOC_SHUTDOWN with the flag that drops the journal's end; who still has files open there is waited for.
    ///
    /// What filled the disk may come back with the power: that it was removed was never synced.
    private static let script = """
        perl -e 'open(my $d, "<", $ARGV[0]) or die; my $mode = pack("L", 2); ioctl($d, 0x8004587D, $mode) or die $!' "$1" || exit 1
        for i in $(seq 300); do umount "$1" && break; sleep 0.1; done
        mount -o loop "$2" "$1" && rm -f "$1/\(FaultInjector.ballast)"
        """

    /// Lets the power fail and come again; nobody may use the disk.
    func happen() async throws {
        try await TestProcess.require("sh", ["-c", Self.script, "sh", disk, image])
    }
}
