import StrictYAML

/// The dependencies between the tasks of one run, and what may be wrong with them.
struct TaskGraph {
    private let tasks: [PipelineTask]
    private let indices: [String: Int]
    /// The parents of every task by index, without those that do not exist.
    private let parents: [[(index: Int, dependency: PipelineDependency)]]

    init(_ tasks: [PipelineTask]) {
        let indices = Dictionary(tasks.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.tasks = tasks
        self.indices = indices
        parents = tasks.map { task in
            task.depends.compactMap { dependency in indices[dependency.task].map { ($0, dependency) } }
        }
    }

    /// The distance of every task from the tasks without dependencies, 1 more than that of its farthest parent.
    ///
    /// The graph must have no circle; tasks in one, and those behind it, get none.
    func levels() -> [Int?] {
        var levels: [Int?] = Array(repeating: nil, count: tasks.count)
        for index in order() {
            levels[index] = parents[index].map { (levels[$0.index] ?? 0) + 1 }.max() ?? 0
        }
        return levels
    }

    func check(into diagnostics: Diagnostics) {
        checkNames(diagnostics)
        let order = order()
        if order.count < tasks.count {
            checkCircles(Set(tasks.indices).subtracting(order), diagnostics)
        } else {
            checkRedundancy(order, diagnostics)
        }
    }

    /// The tasks so that parents come first (Kahn 1962); tasks in a circle, and those behind it, are missing.
    private func order() -> [Int] {
        var children: [[Int]] = Array(repeating: [], count: tasks.count)
        var waiting = parents.map(\.count)
        for (index, parents) in parents.enumerated() {
            for parent in parents { children[parent.index].append(index) }
        }
        var order = tasks.indices.filter { waiting[$0] == 0 }
        var next = 0
        while next < order.count {
            for child in children[order[next]] {
                waiting[child] -= 1
                if waiting[child] == 0 { order.append(child) }
            }
            next += 1
        }
        return order
    }
}

extension TaskGraph {
    private func checkNames(_ diagnostics: Diagnostics) {
        for task in tasks {
            var seen: [String: SourcePosition] = [:]
            for dependency in task.depends {
                if let first = seen[dependency.task] {
                    let place = "line \(first.line), column \(first.column)"
                    let message = "duplicate dependency on \"\(dependency.task)\"; it is already given at \(place)"
                    diagnostics.error(message, at: dependency)
                } else if indices[dependency.task] == nil {
                    let hint = Spelling.suggestion(for: dependency.task, among: tasks.prefix(100).map(\.name))
                    diagnostics.error(
                        "this run has no task \"\(dependency.task)\""
                            + (hint.map { "; did you mean \"\($0)\"?" } ?? ""),
                        at: dependency
                    )
                }
                seen[dependency.task] = seen[dependency.task] ?? dependency.position
            }
        }
    }

    /// Names every circle once, at the dependency that closes it.
    private func checkCircles(_ suspects: Set<Int>, _ diagnostics: Diagnostics) {
        var done: Set<Int> = []
        for start in suspects.sorted() where !done.contains(start) {
            var trail: [Int] = []
            var places: [Int: Int] = [:]
            var current = start
            // Every suspect has a suspect parent, so the walk ends in a circle or in what is known already.
            while !done.contains(current), places[current] == nil {
                places[current] = trail.count
                trail.append(current)
                guard let parent = parents[current].first(where: { suspects.contains($0.index) }) else { break }
                current = parent.index
            }
            if let place = places[current] { report(Array(trail[place...]), diagnostics) }
            done.formUnion(trail)
        }
    }

    private func report(_ circle: [Int], _ diagnostics: Diagnostics) {
        // Begins with the task that comes first in the file, whatever the walk met first.
        let first = circle.indices.min { circle[$0] < circle[$1] } ?? 0
        let ordered = Array(circle[first...] + circle[..<first])
        let names = (ordered + ordered.prefix(1)).map { "\"\(tasks[$0].name)\"" }
        let next = ordered.count > 1 ? ordered[1] : ordered[0]
        guard let dependency = parents[ordered[0]].first(where: { $0.index == next })?.dependency else { return }
        let shown = names.count <= 12 ? names : names.prefix(10) + ["…"] + names.suffix(1)
        let message =
            names.count == 2
            ? "task \(names[0]) depends on itself"
            : "circular dependency: " + shown.joined(separator: " depends on ")
        diagnostics.error(message, at: dependency)
    }

    /// Refuses a dependency on a task that another dependency waits for already.
    private func checkRedundancy(_ order: [Int], _ diagnostics: Diagnostics) {
        var ancestors = Array(repeating: BitSet(count: tasks.count), count: tasks.count)
        for index in order {
            for parent in parents[index] {
                ancestors[index].formUnion(ancestors[parent.index])
            }
            // What the parents wait for, before the parents themselves are added.
            let waited = ancestors[index]
            for parent in parents[index] where waited.contains(parent.index) {
                let through = parents[index].first { ancestors[$0.index].contains(parent.index) }
                let name = through.map { tasks[$0.index].name } ?? ""
                let message =
                    "redundant dependency on \"\(tasks[parent.index].name)\": \"\(name)\" waits for it already"
                diagnostics.error(message, at: parent.dependency)
            }
            for parent in parents[index] { ancestors[index].insert(parent.index) }
        }
    }
}

extension Diagnostics {
    fileprivate func error(_ message: String, at dependency: PipelineDependency) {
        error(message, at: dependency.position, path: dependency.path.description)
    }
}

/// A set of small numbers that unites quickly.
private struct BitSet {
    private var words: [UInt64]

    init(count: Int) {
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    func contains(_ element: Int) -> Bool {
        words[element / 64] & (1 << UInt64(element % 64)) != 0
    }

    mutating func insert(_ element: Int) {
        words[element / 64] |= 1 << UInt64(element % 64)
    }

    mutating func formUnion(_ other: BitSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }
}
