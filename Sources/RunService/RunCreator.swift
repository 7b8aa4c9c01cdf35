import Base
package import FoundationEssentials
package import Model

/// Turns requests into runs: checks them, computes the graph's levels, and hands the run to the scheduler in one commit.
package struct RunCreator: Sendable {
    private let queries: RunQueries
    private let scheduler: RunScheduler
    private let now: @Sendable () -> Date

    /// Makes runs.
    package init(queries: RunQueries, scheduler: RunScheduler, now: @escaping @Sendable () -> Date = { Date() }) {
        self.queries = queries
        self.scheduler = scheduler
        self.now = now
    }

    /// Creates or restarts a run.
    ///
    /// A definition's identity makes the request idempotent: a second one with the same identity answers with the run that the
    /// first one made.
    /// - Throws: ``APIError`` with code `invalidRunGroup`, `runDoesNotExist`, `runCannotBeRestarted`.
    package func create(_ creation: RunCreation) async throws -> Run {
        switch creation {
        case .new(let definition): return try await create(definition)
        case .restart(let id, let fromStart, let environment, let secrets):
            return try await restart(id, fromStart: fromStart, environment: environment, secrets: secrets)
        }
    }

    private func create(_ definition: RunDefinition) async throws -> Run {
        guard RunGroup.isValid(definition.group) else {
            throw APIError(
                .badRequest,
                code: "invalidRunGroup",
                "A run's group must be an absolute path of kinds and values."
            )
        }
        if let existing = try await queries.run(of: definition.id) { return existing }
        var definition = definition
        do {
            definition.tasks = try TaskLevels.computed(definition.tasks)
        } catch let error as APIError {
            definition.setupErrors.append(error.message)
        }
        return try await submit(definition, keepingFrom: nil)
    }

    private func restart(
        _ id: RunID,
        fromStart: Bool,
        environment: [String: String],
        secrets: [SecretValue]
    ) async throws -> Run {
        guard let old = try await queries.run(id) else {
            throw APIError(.notExist, code: "runDoesNotExist", "There is no such run.")
        }
        guard RunRecreation.isAllowed(old.run, fromStart: fromStart) else {
            let wanted = fromStart ? "ended" : "ended without success"
            throw APIError(
                .badRequest,
                code: "runCannotBeRestarted",
                "Only a run that has \(wanted) can be restarted so."
            )
        }
        var definition = RunRecreation.definition(from: old, id: .random(), fromStart: fromStart)
        definition.environment = environment
        definition.secrets += secrets
        return try await submit(definition, keepingFrom: old.run)
    }

    private func submit(_ definition: RunDefinition, keepingFrom old: Run?) async throws -> Run {
        var run = Run(
            id: .random(),
            sequence: 0,
            number: 0,
            name: definition.name,
            group: definition.group,
            definition: definition.id,
            enqueueTime: now()
        )
        run.annotations = definition.annotations
        run.setupErrors = definition.setupErrors
        if definition.setupErrors.isEmpty {
            run.tasks = RunRecreation.tasks(of: definition, keepingFrom: old)
        } else {
            run.phase = .setuperror
        }
        guard let created = try await scheduler.submit(.create(run, definition)) else {
            throw Failure("the scheduler took run \(run.id) but gave it no number")
        }
        return created
    }
}

/// The distance of each task from one without dependencies.
package enum TaskLevels {
    /// The tasks with their levels.
    /// - Throws: ``APIError`` when a task depends on one that is not there, or in a circle on itself.
    package static func computed(_ tasks: [TaskID: TaskDefinition]) throws -> [TaskID: TaskDefinition] {
        var levels: [TaskID: Int] = [:]
        while levels.count < tasks.count {
            let ready = tasks.values.filter { task in
                levels[task.id] == nil && task.depends.keys.allSatisfy { levels[$0] != nil }
            }
            guard !ready.isEmpty else { throw refusal(of: tasks, without: levels) }
            let found = ready.map { task in (task.id, 1 + (task.depends.keys.compactMap { levels[$0] }.max() ?? -1)) }
            levels.merge(found) { $1 }
        }
        var tasks = tasks
        for (id, level) in levels { tasks[id]?.level = level }
        return tasks
    }

    private static func refusal(of tasks: [TaskID: TaskDefinition], without levels: [TaskID: Int]) -> APIError {
        let names = tasks.values.filter { levels[$0.id] == nil }.map { "“\($0.name)”" }.sorted()
        let message =
            "The tasks \(names.joined(separator: ", ")) depend on each other in a circle or on a task that is missing."
        return APIError(.badRequest, code: "circularDependency", message)
    }
}
