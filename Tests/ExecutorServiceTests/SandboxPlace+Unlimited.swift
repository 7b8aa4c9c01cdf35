@testable import ExecutorService

extension SandboxPlace {
    /// The place `place` below a directory, of an ordinary user, without network, control group and system call filter.
    static func unlimited(in directory: String) throws -> SandboxPlace {
        let (view, names) = (HostView(), SlotNetwork.Names(resolver: "", hosts: ""))
        return try SandboxPlace(
            path: "\(directory)/place",
            surroundings: SandboxPlace.Surroundings(
                namespaces: try NamespacePair(range: nil),
                range: nil,
                view: view,
                filter: nil,
                settings: try PlaceSettings(path: "\(directory)/settings", view: view, network: names),
                network: names,
                notes: [],
                program: "/usr/bin/bwrap"
            ),
            groups: ControlGroups(hierarchies: [], limits: .init())
        )
    }
}
