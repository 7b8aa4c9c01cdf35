import Base
import FoundationEssentials
import Glibc
import Store

/// How a process presents itself to the others that have a store open; one for each opening of the store.
struct ProcessIdentity: Sendable {
    private let id = HexText.random(bytes: 8)

    /// What this process is doing now.
    func instance(of service: String, _ mode: ServiceInstance.Mode, seen revision: Revision) -> ServiceInstance {
        ServiceInstance(
            id: id,
            service: service,
            host: Self.host,
            pid: getpid(),
            version: MartletVersion.current,
            mode: mode,
            seenRevision: revision,
            since: Date()
        )
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
