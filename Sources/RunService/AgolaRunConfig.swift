import Base
import FoundationEssentials
import Model
import Store

/// What a run is made of as Agola v0.7 stores it; keys are Agola's.
struct AgolaRunConfig: Decodable {
    struct TaskConfig: Decodable {
        let id: String?
        let name: String
        let level: Int?
        let depends: [String: Depend]?
        let runtime: Runtime
        let environment: [String: String]?
        let working_dir: String?
        let shell: String?
        let user: String?
        let steps: [AgolaStep]?
        let ignore_failure: Bool?
        let needs_approval: Bool?
        let skip: Bool?
        let docker_registries_auth: [String: Ignored]?
    }

    struct Depend: Decodable {
        let conditions: [String]?
    }

    struct Runtime: Decodable {
        let arch: String?
        let containers: [Container]
    }

    struct Container: Decodable {
        let image: String?
        let environment: [String: String]?
        let user: String?
        let privileged: Bool?
        let entrypoint: String?
        let volumes: [Ignored]?
    }

    /// An object that is only counted.
    struct Ignored: Decodable {}

    let id: String
    let name: String?
    let setup_errors: [String]?
    let annotations: [String: String]?
    let static_environment: [String: String]?
    let environment: [String: String]?
    let tasks: [String: TaskConfig]?
    let cache_group: String?

    /// Reads a record.
    /// - Throws: ``Failure`` or ``APIError`` for what is no run config.
    init(_ record: ImportedRecord) throws {
        self = try JSONCoding.decode(Self.self, from: record.data)
        guard id == record.id, AgolaID.isValid(id) else {
            throw AgolaRunConverter.refusal("runconfig \(record.id) is no run config of that id")
        }
        for (key, task) in tasks ?? [:] {
            guard task.id ?? key == key, AgolaID.isValid(key) else {
                throw AgolaRunConverter.refusal("runconfig \(id) holds a task under another id than its own")
            }
        }
    }

    /// The definition as we store it; it has the run's id, as in Agola.
    func definition(group: String, _ losses: inout Losses) -> RunDefinition {
        var definition = RunDefinition(id: RunDefinitionID(id), name: name ?? "", group: group)
        definition.setupErrors = setup_errors ?? []
        definition.annotations = annotations ?? [:]
        definition.staticEnvironment = static_environment ?? [:]
        definition.environment = environment ?? [:]
        if let key = static_environment?["AGOLA_SSHPRIVKEY"], !key.isEmpty { definition.secrets = [SecretValue(key)] }
        definition.cacheGroup = cache_group.unlessEmpty
        for (key, task) in tasks ?? [:] {
            definition.tasks[TaskID(key)] = task.definition(TaskID(key), &losses)
        }
        return definition
    }
}

extension AgolaRunConfig.TaskConfig {
    fileprivate func definition(_ id: TaskID, _ losses: inout Losses) -> TaskDefinition {
        var task = TaskDefinition(id: id, name: name, runtime: runtime.runtime(&losses))
        task.level = level ?? 0
        for (parent, depend) in depends ?? [:] {
            task.depends[TaskID(parent)] = (depend.conditions ?? []).compactMap(DependCondition.init)
        }
        task.environment = environment ?? [:]
        task.workingDirectory = working_dir.unlessEmpty ?? task.workingDirectory
        task.shell = shell.unlessEmpty ?? task.shell
        task.user = user.unlessEmpty
        task.steps = (steps ?? []).map { $0.definition(&losses) }
        task.ignoreFailure = ignore_failure ?? false
        task.needsApproval = needs_approval ?? false
        task.skip = skip ?? false
        losses.add("Credentials of image registries were left out", docker_registries_auth?.count ?? 0)
        return task
    }
}

extension AgolaRunConfig.Runtime {
    fileprivate func runtime(_ losses: inout Losses) -> TaskRuntime {
        for container in containers {
            losses.add("Volumes of containers were left out", container.volumes?.count ?? 0)
            losses.add("Entry points of containers were left out", container.entrypoint.unlessEmpty == nil ? 0 : 1)
        }
        return TaskRuntime(
            architecture: arch.unlessEmpty,
            containers: containers.map {
                ContainerDefinition(
                    image: $0.image ?? "",
                    environment: $0.environment ?? [:],
                    user: $0.user.unlessEmpty,
                    privileged: $0.privileged ?? false
                )
            }
        )
    }
}

/// One step as Agola v0.7 stores it, of any kind.
struct AgolaStep: Decodable {
    enum Kind: String, Decodable {
        case run
        case saveToWorkspace = "save_to_workspace"
        case restoreWorkspace = "restore_workspace"
        case saveCache = "save_cache"
        case restoreCache = "restore_cache"
    }

    let type: Kind
    let name: String?
    let command: String?
    let environment: [String: String]?
    let working_dir: String?
    let shell: String?
    let tty: Bool?

    fileprivate func definition(_ losses: inout Losses) -> StepDefinition {
        guard type == .run else { return placeholder(&losses) }
        return .run(
            RunStep(
                name: name ?? "",
                command: command ?? "",
                environment: environment ?? [:],
                workingDirectory: working_dir.unlessEmpty,
                shell: shell.unlessEmpty,
                tty: tty ?? true
            )
        )
    }

    // Steps are known by their positions, and so are their logs: none may be missing.
    private func placeholder(_ losses: inout Losses) -> StepDefinition {
        losses.add("Steps for workspaces and caches were carried over by name (a restarted run fails at them)")
        let command = "echo 'This \(type.rawValue) step comes from Agola and cannot run again.' >&2\nexit 1\n"
        return .run(RunStep(name: name.unlessEmpty ?? type.rawValue, command: command))
    }
}

extension String? {
    /// Go writes an empty text where there is none, or leaves it out.
    fileprivate var unlessEmpty: String? { self?.isEmpty == false ? self : nil }
}
