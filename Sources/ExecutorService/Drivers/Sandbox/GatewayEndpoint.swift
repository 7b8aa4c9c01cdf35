import Base
import CLinux
import Glibc

/// The one place outside that steps reach without a network: the gateway, from which they fetch their commit.
struct GatewayEndpoint: Sendable, Equatable {
    /// The host as the clone URL names it.
    let host: String
    /// The IPv4 address, in network byte order.
    let address: UInt32
    /// The port.
    let port: UInt16

    /// Reads `host:port` and resolves the host; blocks for as long as that takes.
    /// - Throws: ``Failure`` when the text has another form or the host no IPv4 address.
    init(_ authority: String) throws {
        guard let colon = authority.lastIndex(of: ":"), let port = UInt16(authority[authority.index(after: colon)...]),
            port > 0, colon > authority.startIndex
        else {
            throw Failure("the gateway's authority \"\(authority)\" is not host:port")
        }
        host = String(authority[..<colon])
        self.port = port
        var hints = addrinfo()
        hints.ai_family = AF_INET
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0, let name = list?.pointee.ai_addr else {
            throw Failure("the gateway's host \"\(host)\" has no IPv4 address")
        }
        address = name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
    }

    /// The address in the usual form.
    var numericHost: String {
        withUnsafeBytes(of: address) { $0.map { "\($0)" }.joined(separator: ".") }
    }

    private var isLoopback: Bool { numericHost.hasPrefix("127.") }

    /// The address that the loopback interface inside must get; nil when it answers to it anyway.
    var addedAddress: String? { isLoopback ? nil : numericHost }

    /// The line of `/etc/hosts` inside; empty when the host is an address or always known.
    var hostsLine: String {
        host == numericHost || host == "localhost" ? "" : "\(numericHost) \(host)\n"
    }

    /// Listens at this address inside a sandbox's network.
    /// - Throws: ``SystemError``.
    func listen(inside namespaces: NamespacePair) throws -> OwnedDescriptor {
        let number = clinux_listen_inside(
            namespaces.isOwn ? namespaces.user.number : -1,
            namespaces.network.number,
            address,
            port
        )
        guard number >= 0 else { throw SystemError("listen at \(numericHost):\(port) inside a sandbox") }
        return OwnedDescriptor(number)
    }
}
