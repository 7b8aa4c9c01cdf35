import Base
import Model
import ServiceKit

/// Makes the driver that the configuration names.
enum DriverChoice {
    /// Makes the driver.
    /// - Throws: ``SystemError`` when the system has no thread to give.
    static func make(
        _ configuration: ExecutorConfiguration,
        executor: ExecutorID,
        files: BlockingPool
    ) throws -> any Driver {
        let groups = ControlGroups(
            named: String(executor.text.prefix(36)).replacing("/", with: "-"),
            limits: ControlGroups.Limits(memory: configuration.memoryLimit, processes: configuration.processLimit)
        )
        switch configuration.driver {
        case .host:
            return HostDriver(
                dataDirectory: configuration.dataDirectory,
                groups: groups,
                worker: try BlockingWorker(name: "clean-up")
            )
        case .sandbox:
            return try SandboxDriver(
                SandboxDriver.Configuration(
                    dataDirectory: configuration.dataDirectory,
                    slots: configuration.activeTasksLimit,
                    executor: executor,
                    images: configuration.images,
                    hasEgress: configuration.network == .egress,
                    gateway: configuration.gatewayAuthority,
                    groups: groups
                ),
                files: files
            )
        }
    }
}
