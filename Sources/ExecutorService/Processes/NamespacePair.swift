import Base
import CLinux
import Glibc

/// A user namespace with a network namespace in it, kept by descriptors: both are gone when nobody holds or uses them.
struct NamespacePair: Sendable {
    /// The identities of another user that a namespace shows as its own, counted from 0.
    struct IdentityRange: Sendable, Equatable {
        /// The first number outside.
        var first: uid_t
        /// How many.
        var count: UInt32
    }

    /// The user namespace.
    let user: OwnedDescriptor
    /// The network namespace.
    let network: OwnedDescriptor
    /// Whether the user namespace maps nothing but the executor's own identity.
    let isOwn: Bool

    /// Makes both, with the loopback interface up.
    /// - Parameter range: the identities to map, which only root may choose; nil maps the executor's own.
    /// - Throws: ``SystemError``.
    init(range: IdentityRange?) throws {
        let (user, group) = (range?.first ?? geteuid(), range?.first ?? getegid())
        (self.user, network) = try OwnedDescriptor.pair("make a user and a network namespace") { descriptors in
            clinux_make_namespaces(user, group, range?.count ?? 1, range == nil ? 1 : 0, descriptors)
        }
        isOwn = range == nil
    }

    /// The network namespace's number, as the links under `/proc/…/ns/net` name it.
    var networkInode: UInt64 {
        var facts = stat()
        return fstat(network.number, &facts) == 0 ? UInt64(facts.st_ino) : 0
    }
}
