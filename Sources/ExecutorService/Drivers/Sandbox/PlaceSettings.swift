import Base

/// The `/etc` that the places of a slot lend to their steps, who may only read it.
///
/// Made once for all of them: making its files costs far more than mounting them.
struct PlaceSettings: Sendable {
    /// Where it lies.
    let path: String

    /// Makes the directory; blocks briefly.
    /// - Throws: ``SystemError`` naming the path.
    init(path: String, view: HostView, network: SlotNetwork.Names) throws {
        self.path = path
        try FileTree.makeDirectory(path, exactly: 0o755)
        for (name, bytes) in view.files.merging(network.files, uniquingKeysWith: { $1 }) {
            try makeParents(of: name)
            try FileTree.write(bytes, to: "\(path)/\(name)", mode: 0o644)
        }
        for setting in view.settings {
            try makeParents(of: setting)
            try FileTree.makeDirectory("\(path)/\(setting)", exactly: 0o755)
        }
    }

    /// Removes the directory; blocks.
    /// - Throws: ``SystemError`` naming the path.
    func destroy() throws {
        try FileTree.remove(path)
    }

    private func makeParents(of name: String) throws {
        guard let slash = name.lastIndex(of: "/") else { return }
        try FileTree.makeDirectory("\(path)/\(name[..<slash])", exactly: 0o755)
    }
}
