import Base
import Foundation

extension Trial {
    /// Requests through nginx, beside the same nginx with nothing but libfcgi behind it.
    func requests(_ table: inout ResultTable, programs: String) async throws {
        let socket = "\(service.directory)/run/bare.sock"
        let log = "\(service.directory)/bare.log"
        // A thread serves one connection that nginx keeps: there must be more than workers × keepalive.
        let threads = 64 * (ProcessInfo.processInfo.processorCount + 1)
        let bare = try await Tool.beside("\(programs)/BareFastCGI", [socket, "\(threads)"], log: log) { _ in
            try await until("the bare responder listens") { FileManager.default.fileExists(atPath: socket) }
            return try await rate("\(service.bareURL)/")
        }
        try FileManager.default.removeItem(atPath: socket)
        let version = try await rate("\(service.url)/api/v1alpha/version")
        table.add(
            "requests/s through nginx, /api/v1alpha/version",
            "\(version.rounded(0))/s",
            peer: "bare libfcgi \(bare.rounded(0))/s, × \((version / bare).rounded(2))",
            budget: "≥ 0.7 of libfcgi",
            isMet: version >= 0.7 * bare
        )
        let list = try await rate("\(service.url)/api/v1alpha/projects/user%2Fadmin%2Fhello/runs?limit=20")
        table.add(
            "requests/s through nginx, list of 20 runs",
            "\(list.rounded(0))/s",
            peer: "× \((list / bare).rounded(2)) of bare libfcgi",
            budget: "≥ 5000/s",
            isMet: list >= 5_000
        )
    }

    private func rate(_ url: String) async throws -> Double {
        let header = "Authorization: token \(service.token)"
        let output = try await Tool.run("wrk", ["-t", "2", "-c", "64", "-d", "5", "-H", header, url])
        guard !output.contains("Non-2xx") else { throw Failure("\(url) answered with errors: \(output)") }
        let line = output.split(separator: "\n").first { $0.hasPrefix("Requests/sec:") }
        guard let rate = line?.split(separator: " ").last.flatMap({ Double($0) }) else {
            throw Failure("wrk said no rate: \(output)")
        }
        return rate
    }
}
