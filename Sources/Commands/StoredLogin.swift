import Base
import FoundationEssentials
import Glibc

/// What `martlet login` remembers: a server and a token for it, in a file that only the user can read.
struct StoredLogin: Codable, Equatable {
    /// The server's address.
    var gatewayURL: String
    /// The token.
    var token: SecretValue

    /// Where it is kept: `$XDG_CONFIG_HOME/martlet/config.json`, by default below `~/.config`.
    /// - Throws: ``CommandFailure`` when the user has no home.
    static func path(_ environment: [String: String]) throws -> String {
        // The XDG base directory specification wants relative paths ignored.
        if let directory = environment["XDG_CONFIG_HOME"], directory.hasPrefix("/") {
            return "\(directory)/martlet/config.json"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw CommandFailure("there is no place for the login: set HOME or XDG_CONFIG_HOME")
        }
        return "\(home)/.config/martlet/config.json"
    }

    /// Reads the login; nil when there is none.
    /// - Throws: ``CommandFailure`` when the file is broken.
    static func read(_ environment: [String: String]) throws -> StoredLogin? {
        // Without a home there is no login, which only matters to those who want to store one.
        guard let path = try? path(environment), access(path, F_OK) == 0 else { return nil }
        do {
            return try JSONCoding.decode(StoredLogin.self, from: try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw CommandFailure("the login in \(path) cannot be read: sign in again with “martlet login”")
        }
    }

    /// Writes the login, readable for the user alone from its first byte on.
    /// - Returns: where.
    func write(_ environment: [String: String]) throws -> String {
        let path = try Self.path(environment)
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let bytes = try JSONCoding.encode(self)
        try attempt("store the login in \(path)") {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let draft = "\(path).\(getpid())"
            let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SystemError("create \(draft)") }
            defer { close(descriptor) }
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count == bytes.count, fsync(descriptor) == 0, rename(draft, path) == 0 else {
                throw SystemError("write \(draft)")
            }
        }
        return path
    }
}
