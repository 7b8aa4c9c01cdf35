import ArgumentParser
import Base
import GatewayClient
import HTTPTransport

/// The command `martlet maintenance`.
struct MaintenanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance",
        abstract: "Maintenance of the services that keep data; for admins.",
        discussion: """
            In maintenance a service answers nothing but health, maintenance, export and import; running tasks go on and deliver \
            later. While the configstore is in maintenance nobody is known but the installation's admin token: see --token-file.

            \(Outcome.explanation)
            """,
        subcommands: [Enable.self, Disable.self, Status.self]
    )

    struct Enable: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "enable",
            abstract: "Asks a service to go into maintenance."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var service: ServiceOptions
        @OptionGroup var waiting: MaintenanceWait

        func perform() async throws {
            try await waiting.change(true, of: try service.service, on: try options.gateway())
        }
    }

    struct Disable: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "disable",
            abstract: "Asks a service to work normally again."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var service: ServiceOptions
        @OptionGroup var waiting: MaintenanceWait

        func perform() async throws {
            try await waiting.change(false, of: try service.service, on: try options.gateway())
        }
    }

    struct Status: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Shows whether a service is in maintenance, and each of its processes."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var service: ServiceOptions
        @OptionGroup var output: ListOutput

        func perform() async throws {
            let status = try await options.gateway().maintenance(of: try service.service)
            let terminal = Terminal.current
            guard output.output == .text else {
                return try terminal.line(String(decoding: try JSONCoding.encode(status), as: UTF8.self))
            }
            try terminal.line("maintenance wanted: \(status.requestedStatus ? "yes" : "no")")
            try terminal.line("in maintenance:     \(status.currentStatus ? "yes" : "no")")
            for instance in status.instances {
                try terminal.line("process \(instance.pid) on \(instance.host): \(instance.mode)")
            }
        }
    }
}

/// Asks for a mode, and waits for it.
struct MaintenanceWait: ParsableArguments {
    private static let pause: Duration = .milliseconds(200)
    // What changes its mode or starts is there again within seconds.
    private static let patience: Duration = .seconds(30)

    @Flag(help: "Wait until all processes of the service have followed.")
    var wait = false

    @Option(help: "How many seconds to wait at most.")
    var timeout = 120

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout is a number from 1 to 86400.") }
    }

    func change(_ isWanted: Bool, of service: Gateway.Service, on gateway: Gateway) async throws {
        let name = service.rawValue
        try await repeated(until: .after(Self.patience)) {
            try await gateway.setMaintenance(isWanted, of: service)
            return true
        }
        Terminal.current.tell(
            isWanted ? "\(name) was asked to go into maintenance" : "\(name) was asked to work normally again"
        )
        guard wait else { return }
        let isDone = try await repeated(until: .after(.seconds(timeout))) {
            let status = try await gateway.maintenance(of: service)
            return status.isSettled && status.requestedStatus == isWanted
        }
        guard isDone else {
            let message = "\(name) has not followed within \(timeout) s: see “martlet maintenance status”"
            throw CommandFailure(message, .notNow)
        }
        Terminal.current.tell(isWanted ? "\(name) is in maintenance" : "\(name) works normally")
    }

    /// Calls until the answer is yes; a service that cannot answer now is asked again.
    @discardableResult
    private func repeated(until deadline: Deadline, _ call: () async throws -> Bool) async throws -> Bool {
        while true {
            do {
                if try await call() { return true }
                if deadline.isPast { return false }
            } catch let error where Self.mayPass(error) && !deadline.isPast {
                // Asked again below.
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    private static func mayPass(_ error: any Error) -> Bool {
        ErrorChain(error).first(Gateway.Refusal.self)?.status == 503
    }
}
