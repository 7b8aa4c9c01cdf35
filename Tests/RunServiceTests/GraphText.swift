import Base
import FoundationEssentials
import Model
import RunService

/// Draws task graphs as text, so that a test case is one line: `"a -> b -> d, a -> c -> d"`.
enum GraphText {
    /// A definition whose tasks are named by single words; an edge's conditions may follow in brackets: `a -> b[on_failure]`.
    static func definition(_ text: String, group: String = "/project/p/branch/main") -> RunDefinition {
        var definition = RunDefinition(id: .random(), name: "run", group: group)
        for chain in text.split(separator: ",") {
            var previous: TaskID?
            for part in chain.split(separator: "->") {
                let (name, conditions) = split(part)
                let id = TaskID(name)
                if definition.tasks[id] == nil {
                    let runtime = TaskRuntime(containers: [ContainerDefinition(image: "host")])
                    var task = TaskDefinition(id: id, name: name, runtime: runtime)
                    task.steps = [.run(RunStep(name: "step", command: "true"))]
                    definition.tasks[id] = task
                }
                if let previous { definition.tasks[id]?.depends[previous] = conditions }
                previous = id
            }
        }
        return definition
    }

    private static func split(_ part: Substring) -> (String, [DependCondition]) {
        let pieces = part.split(whereSeparator: { "[] ".contains($0) }).map(String.init)
        let conditions = pieces.dropFirst().flatMap { $0.split(separator: "|") }.compactMap {
            DependCondition(rawValue: String($0))
        }
        return (pieces.first ?? "", conditions)
    }

    /// A running run of the definition, with statuses by letter: `n`ot started, `r`unning, `s`uccess, `f`ailed, s`k`ipped,
    /// `c`ancelled, s`t`opped; tasks that are not named have not started.
    static func run(_ definition: RunDefinition, _ letters: String = "") -> Run {
        var run = Run(
            id: .random(),
            sequence: 1,
            number: 1,
            name: definition.name,
            group: definition.group,
            definition: definition.id,
            enqueueTime: Date(timeIntervalSince1970: 0)
        )
        run.phase = .running
        run.tasks = RunRecreation.tasks(of: definition, keepingFrom: nil)
        for assignment in letters.split(separator: " ") {
            let parts = assignment.split(separator: "=")
            run.tasks[TaskID(String(parts[0]))]?.status = status(parts[1])
        }
        return run
    }

    /// The statuses of a run in the same notation.
    static func letters(_ run: Run) -> String {
        run.tasks.values.sorted { $0.name < $1.name }.map { "\($0.name)=\(letter($0.status))" }.joined(separator: " ")
    }

    private static let table: [(Character, TaskStatus)] = [
        ("n", .notstarted), ("r", .running), ("s", .success), ("f", .failed), ("k", .skipped), ("c", .cancelled),
        ("t", .stopped),
    ]

    private static func status(_ letter: Substring) -> TaskStatus {
        table.first { String($0.0) == letter }?.1 ?? .notstarted
    }

    private static func letter(_ status: TaskStatus) -> Character {
        table.first { $0.1 == status }?.0 ?? "?"
    }
}
