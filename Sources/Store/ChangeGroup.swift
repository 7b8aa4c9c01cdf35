import Crypto
import FoundationEssentials

/// Change groups are stored under a hash: their names may have any characters and lengths.
enum ChangeGroup {
    /// The first half of SHA-256: 128 bits, so that two names never meet.
    static func hash(_ name: String) -> Data {
        Data(SHA256.hash(data: Data(name.utf8)).prefix(16))
    }
}
