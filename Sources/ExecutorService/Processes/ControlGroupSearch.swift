import Base
import Glibc

/// Finds where the executor may make control groups.
enum ControlGroupSearch {
    /// A mounted hierarchy and the executor's own group in it.
    struct Mounted: Equatable {
        var isTwo: Bool
        var controllers: Set<String>
        var mountPoint: String
    }

    /// The hierarchies in which a directory of the executor's own could be made.
    static func usableHierarchies(named name: String) -> [ControlGroups.Hierarchy] {
        // Without /proc there is nothing to find.
        guard let mounts = try? FileTree.read("/proc/self/mounts"), let own = try? FileTree.read("/proc/self/cgroup")
        else {
            return []
        }
        let groups = ownGroups(String(decoding: own, as: UTF8.self))
        let all = mounted(String(decoding: mounts, as: UTF8.self))
        // On hybrid hosts version 1 has the controllers; version 2 would add nothing to it.
        let hasOne = all.contains { !$0.isTwo }
        return all.filter { !hasOne || !$0.isTwo }.compactMap { hierarchy in
            hierarchy.isTwo
                ? prepareTwo(hierarchy, own: groups[""] ?? "/", name: name)
                : prepareOne(hierarchy, own: groups, name: name)
        }
    }

    /// The cgroup lines of a mount table.
    static func mounted(_ table: String) -> [Mounted] {
        table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 4 else { return nil }
            let isTwo = fields[2] == "cgroup2"
            guard isTwo || fields[2] == "cgroup" else { return nil }
            let known: Set<String> = ["memory", "pids"]
            let controllers = Set(fields[3].split(separator: ",").map(String.init)).intersection(known)
            guard isTwo || !controllers.isEmpty else { return nil }
            return Mounted(isTwo: isTwo, controllers: controllers, mountPoint: String(fields[1]))
        }
    }

    /// The process's own group by controller; that of version 2 under the empty name.
    static func ownGroups(_ table: String) -> [String: String] {
        var groups: [String: String] = [:]
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                groups[String(controller)] = String(fields[2])
            }
        }
        return groups
    }

    private static func prepareOne(_ mounted: Mounted, own: [String: String], name: String) -> ControlGroups.Hierarchy?
    {
        guard let controller = mounted.controllers.sorted().first else { return nil }
        let group = own[controller] ?? "/"
        let directory = join(mounted.mountPoint, group, "martlet-\(name)")
        guard makeGroup(directory) else { return nil }
        return ControlGroups.Hierarchy(kind: .one(controller: controller), directory: directory)
    }

    /// Version 2 gives controllers to groups below one without processes only: when the executor's own group may be
    /// divided, the executor itself moves to a group beside its tasks.
    private static func prepareTwo(_ mounted: Mounted, own: String, name: String) -> ControlGroups.Hierarchy? {
        let parent = join(mounted.mountPoint, own, "")
        let available = words(in: "\(parent)/cgroup.controllers").intersection(["memory", "pids"])
        let directory = join(mounted.mountPoint, own, "martlet-\(name)")
        guard makeGroup(directory) else { return nil }
        var controllers: Set<String> = []
        if !available.isEmpty {
            if own != "/" { move(to: "\(parent)/daemon") }
            for controller in available.sorted()
            where enable(controller, in: parent) && enable(controller, in: directory) {
                controllers.insert(controller)
            }
        }
        return ControlGroups.Hierarchy(kind: .two(controllers: controllers), directory: directory)
    }

    private static func join(_ mountPoint: String, _ group: String, _ name: String) -> String {
        let path = mountPoint + (group == "/" ? "" : group)
        return name.isEmpty ? path : "\(path)/\(name)"
    }

    private static func makeGroup(_ directory: String) -> Bool {
        (mkdir(directory, 0o755) == 0 || errno == EEXIST) && access("\(directory)/cgroup.procs", W_OK) == 0
    }

    private static func words(in path: String) -> Set<String> {
        // A file that is not there names nothing.
        guard let bytes = try? FileTree.read(path) else { return [] }
        return Set(String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init))
    }

    private static func move(to directory: String) {
        guard makeGroup(directory) else { return }
        append("\(getpid())", to: "\(directory)/cgroup.procs")
    }

    private static func enable(_ controller: String, in directory: String) -> Bool {
        append("+\(controller)", to: "\(directory)/cgroup.subtree_control")
        return words(in: "\(directory)/cgroup.subtree_control").contains(controller)
    }

    private static func append(_ value: String, to path: String) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var value = value
        // Whether it was accepted shows in the file itself.
        _ = value.withUTF8 { write(file, $0.baseAddress, $0.count) }
    }
}
