import Base
import Foundation
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// Nothing in a sandbox reaches the host: every known way out is tried, for an executor of root and of an ordinary user.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct SandboxEscapeTests {
    @Test(
        "no attempt to escape succeeds when the executor runs as root",
        .enabled(if: geteuid() == 0, "must be run as root")
    )
    func root() async throws {
        try await tryEscapes(in: "\(TemporaryDirectory.path)/data")
    }

    @Test("no attempt to escape succeeds when the executor runs as an ordinary user")
    func ordinaryUser() async throws {
        let directory = try OrdinaryUser.makeDirectory()
        defer { try? FileTree.remove(directory) }
        await #expect(processExitsWith: .success) { [directory = directory as String] in
            try OrdinaryUser.become()
            try await tryEscapes(in: "\(directory)/data")
        }
    }

    @Test("a step reaches the gateway, and nothing else, at the gateway's own address", arguments: [false, true])
    func gateway(hasEgress: Bool) async throws {
        let server = try LoopbackServer(greeting: "the gateway\n")
        defer { server.stop() }
        try await withExecutor(.sandbox) { configuration in
            configuration.gatewayAuthority = "127.0.0.1:\(server.port)"
            configuration.network = hasEgress ? .egress : .none
        } _: { service in
            let task = try await service.assign(
                .sample("bash -c 'exec 3<>/dev/tcp/127.0.0.1/\(server.port); echo question >&3; head -n 2 <&3'")
            )
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(0)) == "the gateway\nquestion\n")
        }
    }

    @Test("a step keeps its environment out of the host's process list, and bubblewrap out of its reach")
    func environmentIsHidden() throws {
        let place = try SandboxPlace.unlimited(in: TemporaryDirectory.path)
        let step = RunStep(name: "", command: "true", environment: ["LD_PRELOAD": "/tmp/evil.so", "TOKEN": "hunter2"])
        let data = ExecutorTaskSpecData.sample("true")
        let plan = try place.plan(for: StepCommand(index: 0, step: step, task: data, place: place.environment))
        #expect(plan.environment == [:])
        #expect(!plan.arguments.joined().contains("hunter2"))
        try place.destroy()
    }
}

/// Runs all escapes as the steps of one task.
private func tryEscapes(in directory: String) async throws {
    try FileTree.makeDirectory(directory)
    try FileTree.write(Array("secret".utf8), to: "\(directory)/secret")
    let server = try LoopbackServer(greeting: "the host", address: "0.0.0.0")
    defer { server.stop() }
    let abstract = try AbstractSocket("martlet-escape")
    let quiet = try OwnedDescriptor(path: "/dev/null", flags: O_RDWR)
    let bystander = try LaunchPlan(program: "/usr/bin/sleep", arguments: ["60"]).start(input: quiet, output: quiet)
    defer {
        bystander.killAll()
        _ = bystander.wait()
    }
    let targets = Escape.Targets(
        directory: directory,
        port: server.port,
        process: bystander.pid,
        addresses: HostAddresses.current()
    )
    let escapes = Escape.table(targets)
    try await withExecutor(.sandbox, in: directory) { configuration in
        configuration.network = .egress
    } _: { service in
        let task = try await service.assign(
            .sample(Escape.script(escapes + Escape.controls), "! ls /made /usr/made", tty: true)
        )
        let status = await service.result(of: task)
        #expect(status.phase == .success)
        let log = await service.log(task, .step(0))
        let setup = await service.log(task, .setup)
        let succeeded = Set(log.split(separator: "\r\n").filter { $0.hasPrefix("ESCAPED: ") }.map { $0.dropFirst(9) })
        let held = log.split(separator: "\r\n").count { $0.hasPrefix("held: ") }
        // Thrown, so that it also ends a process of the test's own with a failure.
        try #require(succeeded == Set(Escape.controls.map { $0.name[...] }), "\(setup)")
        try #require(held == escapes.count)
    }
    #expect(!FileTree.exists("\(directory)/made"))
    withExtendedLifetime(abstract) {}
}

/// A listening socket with a name outside the file system.
private struct AbstractSocket {
    private let descriptor: OwnedDescriptor

    init(_ text: String) throws {
        descriptor = OwnedDescriptor(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0[1...].copyBytes(from: text.utf8) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + text.utf8.count)
        let code = withUnsafePointer(to: &name) { name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor.number, $0, length) }
        }
        // Another test of this process, or another run, may hold the name: then it listens there.
        try #require(code == 0 || errno == EADDRINUSE)
        listen(descriptor.number, 4)
    }
}
