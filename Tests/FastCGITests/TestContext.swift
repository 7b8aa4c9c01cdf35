import FastCGI
import Hummingbird

/// A context that both transports make.
struct TestContext: TransportRequestContext {
    var coreContext: CoreRequestContextStorage
    let remoteAddress: String?
    let scheme: String

    init(transport: TransportContextSource) {
        coreContext = .init(source: transport)
        remoteAddress = transport.remoteAddress
        scheme = transport.scheme
    }
}
