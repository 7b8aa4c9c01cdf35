import Base
package import FoundationEssentials
package import Model

/// Turns requests into runs: checks them, computes the graph's levels, and hands the run to the scheduler in one commit.
package struct RunCreator: Sendable {
    private let queries: RunQueries
    private let scheduler: RunScheduler
    private let markers: TaskMarkers
    private let now: @Sendable () -> Date

    /// Makes runs.
    package init(
        queries: RunQueries,
        scheduler: RunScheduler,
        markers: TaskMarkers,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.queries = queries
        self.scheduler = scheduler
        self.markers = markers
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
        guard definition.tasks.keys.allSatisfy({ RunObjects.isSegment($0.text) }) else {
            throw APIError(.badRequest, code: "invalidTaskID", "A task's id is a UUID.")
        }
        var definition = definition
        do {
            definition.tasks = try TaskLevels.computed(definition.tasks)
        } catch let error as APIError {
            definition.setupErrors.append(error.message)
        }
        return try await submit(run(of: definition, keepingFrom: nil), definition, from: nil)
    }

    // Tasks that the new run keeps share their logs and archives with the old one, which must therefore exist when the new one does.
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
        let run = run(of: definition, keepingFrom: old.run)
        let kept = Set(run.tasks.keys).intersection(old.run.tasks.keys)
        // Whoever removes the old run finds the markers, or we find that it is gone.
        try await markers.mark(kept, for: run.id)
        do {
            return try await submit(run, definition, from: id)
        } catch {
            if try await queries.run(run.id) == nil { await markers.release(kept, of: run.id) }
            throw error
        }
    }

    private func run(of definition: RunDefinition, keepingFrom old: Run?) -> Run {
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
        return run
    }

    private func submit(_ run: Run, _ definition: RunDefinition, from old: RunID?) async throws -> Run {
        guard let created = try await scheduler.submit(.create(run, definition, from: old)) else {
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
