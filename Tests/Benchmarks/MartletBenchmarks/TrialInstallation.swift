import Base
import FoundationEssentials
import Glibc

/// An installation made for measuring: made by `martletd up` like any other, then served with one driver or another.
struct TrialInstallation: Sendable {
    /// How steps are isolated.
    enum Driver: String, Sendable {
        case host
        case sandbox
    }

    /// The directory of `martletd`.
    let programs: String
    /// Holds everything.
    let directory: String
    /// How many tasks run at once.
    let slots: Int

    private var log: String { "\(directory)/martletd.log" }
    private var data: String { "\(directory)/data" }
    private var martletd: String { "\(programs)/martletd" }
    private var project: String { FileManager.default.currentDirectoryPath }

    /// Makes the installation with its admin and its hosted repository, and stops it again.
    func make() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // Sandboxes run as other users, who must be able to reach their work directories.
        guard chmod(directory, 0o711) == 0 else { throw SystemError("chmod \(directory)") }
        let arguments = [
            "up", "--data", data, "--port", "\(try freePort())", "--nginx-dir", "\(project)/nginx", "--public-dir",
            "\(project)/public",
        ]
        try await Tool.beside(martletd, arguments, log: log) { _ in
            try await until("the first start is complete") {
                let text = try String(contentsOfFile: log, encoding: .utf8)
                return text.contains("Martlet serves")
            }
        }
    }

    /// Serves the installation with all components in one process and nginx beside it, for as long as `body` runs.
    func serving(_ driver: Driver, _ body: (TrialService) async throws -> Void) async throws {
        let configuration = try String(contentsOfFile: "\(data)/config.yml", encoding: .utf8)
        let config = "\(data)/bench.yml"
        try write(configuration.replacing("type: sandbox", with: "type: \(driver)"), to: config)
        let nginx = try nginxConfiguration()
        let start = ContinuousClock.now
        try await Tool.beside(martletd, ["serve", "--config", config], log: log) { martletd in
            let arguments = ["-p", "\(data)/nginx", "-e", "error.log", "-c", nginx.path, "-g", "daemon off;"]
            let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
            try await Tool.beside("/usr/sbin/nginx", arguments, log: log, environment: environment) { proxy in
                let service = try TrialService(
                    driver: driver,
                    directory: data,
                    url: try url(configuration),
                    bareURL: "http://127.0.0.1:\(nginx.barePort)",
                    processID: martletd,
                    proxyID: proxy,
                    slots: slots
                )
                try await until("the gateway answers") { await service.isReady() }
                service.note(startUp: ContinuousClock.now - start)
                try await body(service)
            }
        }
    }

    /// The installation's own configuration of nginx, and a second server that speaks to the bare responder.
    private func nginxConfiguration() throws -> (path: String, barePort: UInt16) {
        let path = "\(data)/nginx/bench.conf"
        let port = try freePort()
        let bare = """
            include site.conf;
                upstream bare { server unix:\(data)/run/bare.sock; keepalive 64; }
                server {
                    listen 127.0.0.1:\(port);
                    location / {
                        fastcgi_param REQUEST_METHOD $request_method;
                        fastcgi_param REQUEST_URI $request_uri;
                        fastcgi_keep_conn on;
                        fastcgi_pass bare;
                    }
                }
            """
        let own = try String(contentsOfFile: "\(data)/nginx/nginx.conf", encoding: .utf8)
        try write(own.replacing("include site.conf;", with: bare), to: path)
        return (path, port)
    }

    private func url(_ configuration: String) throws -> String {
        let key = "apiExposedURL: "
        guard let line = configuration.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else {
            throw Failure("the installation's configuration names no URL")
        }
        return String(line.dropFirst(key.count))
    }

    private func write(_ text: String, to path: String) throws {
        try attempt("write \(path)") { try Data(text.utf8).write(to: URL(filePath: path)) }
    }

    private func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("open socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw SystemError("find a free port") }
        return UInt16(bigEndian: address.sin_port)
    }
}

/// Waits until something is so, looking every few milliseconds.
/// - Throws: ``Failure`` when it takes longer than `limit`.
func until(
    _ what: String,
    within limit: Duration = .seconds(60),
    every pause: Duration = .milliseconds(5),
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = Deadline.after(limit)
    while try await !isSo() {
        if deadline.isPast { throw Failure("not within \(limit): \(what)") }
        try await Task.sleep(for: pause)
    }
}
