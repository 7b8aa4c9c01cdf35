import Base
import StrictYAML
import Glibc

/// A component of an installation.
package enum Component: String, Sendable, CaseIterable {
    /// Routes people and forges come in by.
    case gateway
    /// Users, tokens and projects.
    case configstore
    /// Runs, scheduling and logs.
    case runservice
    /// Runs tasks.
    case executor
    /// Hosted and direct-run repositories.
    case gitserver
}

/// Reads the configuration file: strict, all problems at once, checked only for the components that are started.
///
/// Highest first: the environment (`MARTLET_RUNSERVICE_DATADIR` stands for `runservice.dataDir`), the file, the defaults. Any text may be
/// `{file: path}`, which keeps secrets out of the file.
package enum ConfigurationLoader {
    /// Reads a file.
    /// - Parameters:
    ///   - path: the file; relative paths in it are relative to its directory.
    ///   - components: what is going to be started.
    ///   - environment: the process's variables.
    /// - Returns: the configuration of all components; what is missing for those not started has its default.
    /// - Throws: ``Failure`` when the file cannot be read, ``DocumentErrors`` with everything that is wrong in it.
    package static func load(
        _ path: String,
        for components: Set<Component>,
        environment: [String: String] = [:]
    ) throws -> DaemonConfiguration {
        let bytes = try attempt("read the configuration file; name another one by --config") { try read(path) }
        return try parse(bytes, file: path, for: components, environment: environment)
    }

    /// Reads the bytes of a file.
    /// - Throws: ``DocumentErrors`` with everything that is wrong in it.
    package static func parse(
        _ bytes: [UInt8],
        file: String,
        for components: Set<Component>,
        environment: [String: String] = [:]
    ) throws -> DaemonConfiguration {
        let diagnostics = Diagnostics()
        guard var root = YAMLDocument.parse(bytes, file: file, into: diagnostics) else {
            throw DocumentErrors(diagnostics.all)
        }
        overlay(environment, on: &root)
        if root.isNull { root = YAMLNode(.mapping([]), at: SourcePosition(file: file, line: 1, column: 1)) }
        let reader = ConfigurationReader(directory: directory(of: file), components: components)
        let configuration = reader.read(NodeReader(root, diagnostics: diagnostics))
        try diagnostics.throwIfErrors()
        return configuration
    }

    private static func overlay(_ environment: [String: String], on root: inout YAMLNode) {
        for path in ConfigurationReader.overridable {
            let name = "MARTLET_" + path.replacing(".", with: "_").uppercased()
            guard let text = environment[name] else { continue }
            root.set(
                .plain(text, at: SourcePosition(file: "environment variable \(name)")),
                at: path.split(separator: ".").map(String.init)
            )
        }
    }

    private static func directory(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }

    /// Reads a small file whole.
    static func read(_ path: String, limit: Int = 1 << 20) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw SystemError("read \(path)") }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw Failure("\(path) is larger than \(limit) bytes") }
        }
    }
}
