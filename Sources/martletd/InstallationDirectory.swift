import Base
import Foundation
import Glibc
import ServiceKit

/// The directory of an installation that `martletd up` runs: made once, found again later.
struct InstallationDirectory {
    let data: String
    let port: UInt16
    let publicDirectory: String
    let nginxDirectory: String

    var configPath: String { "\(data)/config.yml" }
    var passwordPath: String { "\(data)/admin-password" }
    var tokenPath: String { "\(data)/admin-token" }
    /// The token that works also while nobody can be looked up.
    var gatewayAdminTokenPath: String { "\(data)/keys/gateway-admin-token" }
    /// Says that the installation began without content, to be restored into: nobody adds any to it.
    var emptyMarkPath: String { "\(data)/began-empty" }
    /// Whether the installation began without content.
    var beganEmpty: Bool { FileManager.default.fileExists(atPath: emptyMarkPath) }
    var nginxInstance: String { "\(data)/nginx" }
    var url: String { "http://127.0.0.1:\(port)" }

    /// Refuses a directory whose sockets the kernel would not take.
    /// - Throws: ``Failure`` that says what to do.
    func expectShortPath() throws {
        let excess = "\(data)/run/gateway-stream.sock".utf8.count - SocketFile.maximumPathLength
        guard excess <= 0 else {
            throw Failure(
                "\(data) is \(excess) bytes too long for the sockets in it: choose a directory with a shorter path, as in "
                    + "make run DATA=$HOME/.martlet"
            )
        }
    }

    /// Makes the directory unless it is there, and keeps other processes out as long as the value lives; blocks.
    /// - Throws: ``Failure`` when another process has it.
    func lock() throws -> DirectoryLock {
        try Self.makeDirectory(data)
        return try DirectoryLock(data, for: "martletd")
    }

    /// Notes that the installation begins without content; blocks.
    /// - Throws: ``Failure`` when there is an installation already that did not.
    func beginEmpty() throws {
        guard !beganEmpty else { return }
        guard !FileManager.default.fileExists(atPath: configPath) else {
            throw Failure("\(data) holds an installation already: name another directory for an empty one")
        }
        try Self.write("", to: emptyMarkPath)
    }

    /// Makes what is missing.
    ///
    /// The configuration is written anew each time, as it follows from the arguments alone; keys and passwords are made once.
    func prepare() throws {
        for name in ["", "/run", "/keys", "/nginx"] { try Self.makeDirectory(data + name) }
        for key in ["keys/cookie-signing", "keys/internal-token"] { try makeSecret("\(data)/\(key)") }
        try makeSecret(gatewayAdminTokenPath)
        if !beganEmpty { try makeSecret(passwordPath, bytes: 12) }
        try Self.write(configuration, to: configPath)
    }

    /// Copies the project's nginx files and renders the rest.
    func prepareNginx(_ gateway: GatewayConfiguration) throws {
        for name in ["nginx.conf", "site.conf"] {
            let text = try attempt("read \(nginxDirectory)/\(name)") {
                try String(contentsOfFile: "\(nginxDirectory)/\(name)", encoding: .utf8)
            }
            try Self.write(text, to: "\(nginxInstance)/\(name)")
        }
        try NginxFiles.write(for: gateway, user: geteuid() == 0 ? "root" : nil, into: nginxInstance)
    }

    /// Reads a secret's file.
    func secret(_ path: String) throws -> SecretValue {
        let text = try attempt("read \(path)") { try String(contentsOfFile: path, encoding: .utf8) }
        return SecretValue(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Writes a file of mode 0600 that appears whole.
    static func write(_ text: String, to path: String) throws {
        try attempt("write \(path)") { try AtomicFile.write(text.utf8, to: path) }
    }

    /// Makes a directory of mode 0700 unless it is there.
    static func makeDirectory(_ path: String) throws {
        try attempt("make directory \(path)") {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
    }

    private func makeSecret(_ path: String, bytes: Int = 32) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        try Self.write(HexText.random(bytes: bytes) + "\n", to: path)
    }

    private var configuration: String {
        """
        # Written by `martletd up`; every start writes it anew. Copy it to make an installation of your own.
        id: martlet
        apiExposedURL: \(url)
        webExposedURL: \(url)
        runDir: \(Self.quoted("\(data)/run"))
        internalServicesAPIToken: {file: keys/internal-token}
        gateway:
          adminToken: {file: keys/gateway-admin-token}
          unsecureCookies: true
          cookieSigning:
            key: {file: keys/cookie-signing}
          web:
            listenAddress: 127.0.0.1:\(port)
            publicDir: \(Self.quoted(publicDirectory))
        configstore:
          dataDir: configstore
        runservice:
          dataDir: runservice
          objectStorage:
            type: posix
            path: objects
        executor:
          dataDir: executor
          activeTasksLimit: 4
          driver:
            type: sandbox
        gitserver:
          dataDir: gitserver

        """
    }

    private static func quoted(_ text: String) -> String {
        "'\(text.replacing("'", with: "''"))'"
    }
}
