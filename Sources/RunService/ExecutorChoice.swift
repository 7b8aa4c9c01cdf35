import Base
package import Model

/// Chooses executors for tasks: of those that fit, the one with most free slots, so that load spreads.
package struct ExecutorChoice {
    private var free: [(id: ExecutorID, registration: ExecutorRegistration, slots: Int)]

    /// Looks at the executors once; ``take(for:)`` then counts slots itself.
    package init(executors: [ExecutorID: SchedulerState.ExecutorState], load: [ExecutorID: Int]) {
        free = executors.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.registration, $0.value.registration.activeTasksLimit - load[$0.key, default: 0]) }
            .filter { $0.slots > 0 }
    }

    /// Whether no executor has a free slot.
    package var isFull: Bool { free.isEmpty }

    /// The executor that takes the task; nil when none fits now.
    package mutating func take(for task: TaskDefinition) -> ExecutorID? {
        let fitting = free.indices.filter { Self.fits(task, free[$0].registration) }
        guard let best = fitting.max(by: { free[$0].slots < free[$1].slots }) else { return nil }
        let id = free[best].id
        free[best].slots -= 1
        if free[best].slots == 0 { free.remove(at: best) }
        return id
    }

    private static func fits(_ task: TaskDefinition, _ registration: ExecutorRegistration) -> Bool {
        if let architecture = task.runtime.architecture, !registration.architectures.contains(architecture) {
            return false
        }
        return registration.allowsPrivileged || !task.runtime.containers.contains(where: \.privileged)
    }
}
