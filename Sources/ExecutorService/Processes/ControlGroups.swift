import Base
import Glibc
import Logging

/// The kernel's groups of processes, for limits and for finding every process of a task: version 1, 2 or both.
///
/// Used where the executor may write them; without permission it says so once and goes on. All functions block briefly.
struct ControlGroups: Sendable {
    /// What a task may use.
    struct Limits: Sendable, Equatable {
        /// Bytes of memory; nil for no limit.
        var memory: Int?
        /// Processes; nil for no limit.
        var processes: Int?
    }

    /// One hierarchy in which tasks get groups.
    struct Hierarchy: Sendable, Equatable {
        /// What it can do for a task.
        enum Kind: Sendable, Equatable {
            /// Version 1, one controller: `memory`, `pids`.
            case one(controller: String)
            /// Version 2, with the controllers that tasks' groups have.
            case two(controllers: Set<String>)
        }

        /// Its kind.
        var kind: Kind
        /// The executor's own directory in it, below which tasks' groups are made.
        var directory: String
    }

    /// The hierarchies in which the executor may make groups.
    let hierarchies: [Hierarchy]
    private let limits: Limits

    /// Takes known hierarchies.
    init(hierarchies: [Hierarchy], limits: Limits) {
        self.hierarchies = hierarchies
        self.limits = limits
    }

    /// Finds the hierarchies that the executor may use.
    /// - Parameters:
    ///   - name: tells the groups of this executor from those of others.
    ///   - limits: what a task may use.
    init(named name: String, limits: Limits) {
        self.init(hierarchies: ControlGroupSearch.usableHierarchies(named: name), limits: limits)
    }

    /// What cannot be enforced here; empty when everything can.
    var missing: [String] {
        var missing: [String] = []
        if limits.memory != nil, !has("memory") { missing.append("memory limit") }
        if limits.processes != nil, !has("pids") { missing.append("process limit") }
        return missing
    }

    /// Makes a group for a task with its limits; nil where there is nothing to make it in.
    /// - Throws: ``SystemError`` naming the path.
    func makeGroup() throws -> ControlGroup? {
        guard !hierarchies.isEmpty else { return nil }
        let name = String(UInt64.random(in: .min ... .max), radix: 16)
        let group = ControlGroup(parts: hierarchies.map { .init(kind: $0.kind, directory: "\($0.directory)/\(name)") })
        do {
            try group.create(limits)
        } catch {
            group.remove()
            throw error
        }
        return group
    }

    /// Kills and removes the groups that an earlier process of this executor left.
    func removeAbandoned() {
        for hierarchy in hierarchies {
            // A directory that cannot be listed has nothing of ours to remove.
            for name in (try? FileTree.names(in: hierarchy.directory)) ?? [] {
                let directory = "\(hierarchy.directory)/\(name)"
                guard FileTree.exists("\(directory)/cgroup.procs") else { continue }
                ControlGroup(parts: [.init(kind: hierarchy.kind, directory: directory)]).remove()
            }
        }
    }

    /// Removes the executor's own directories, when no task has a group in them.
    func removeOwn() {
        removeAbandoned()
        for hierarchy in hierarchies { rmdir(hierarchy.directory) }
    }

    private func has(_ controller: String) -> Bool {
        hierarchies.contains { hierarchy in
            switch hierarchy.kind {
            case .one(let own): own == controller
            case .two(let controllers): controllers.contains(controller)
            }
        }
    }
}
