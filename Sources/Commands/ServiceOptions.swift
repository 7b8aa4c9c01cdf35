import ArgumentParser
import GatewayClient

/// A service on the command line.
enum ServiceName: String, ExpressibleByArgument, CaseIterable {
    case configstore
    case runservice

    /// The service.
    var service: Gateway.Service {
        switch self {
        case .configstore: .configstore
        case .runservice: .runservice
        }
    }
}

/// Names a service, by an argument or as Agola's command line does.
struct ServiceOptions: ParsableArguments {
    @Argument(help: "The service.")
    var name: ServiceName?

    @Option(name: .customLong("service"), help: "The service, as an option.")
    var option: ServiceName?

    /// The service.
    var service: Gateway.Service {
        get throws {
            guard let service = name ?? option else { throw ValidationError("Name a service.") }
            return service.service
        }
    }

    func validate() throws {
        guard (name == nil) != (option == nil) else {
            let names = ServiceName.allCases.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("Name one service, \(names).")
        }
    }
}
