import Base
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// What a sandbox reaches.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct SandboxNetworkTests {
    @Test(
        "with egress a step has a way out and a name server, and the host's own addresses are unreachable",
        .enabled(if: FileTree.exists("/usr/bin/slirp4netns"), "needs the Debian package slirp4netns")
    )
    func egress() async throws {
        try await withExecutor(.sandbox) {
            $0.network = .egress
        } _: { service in
            let task = try await service.assign(.sample("ip route; cat /etc/resolv.conf"))
            #expect(await service.result(of: task).phase == .success)
            let log = await service.log(task, .step(0))
            #expect(log.contains("default via 10.0.2.2 dev tap0"))
            #expect(log.contains("nameserver 10.0.2.3"))
            for address in HostAddresses.current() { #expect(log.contains("unreachable \(address)")) }
            #expect(!(await service.log(task, .setup).contains("no access")))
        }
    }

    @Test("without egress a step has only its loopback interface, and the setup log says so")
    func noEgress() async throws {
        try await withExecutor(.sandbox) { service in
            let task = try await service.assign(.sample("ip -o link | wc -l; ip route"))
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(0)) == "1\n")
            #expect(await service.log(task, .setup).contains("no access to the network"))
        }
    }

    @Test("a missing slirp4netns costs egress, not the sandbox, and the reason is told")
    func missingSlirp() throws {
        var plan = SlotNetwork.Plan(hasEgress: true)
        plan.slirp = "/no/such/program"
        let range = geteuid() == 0 ? NamespacePair.IdentityRange(first: 1_700_000_000, count: 65_536) : nil
        let network = try SlotNetwork(plan, range: range)
        defer { network.close() }
        #expect(network.shortfall?.contains("slirp4netns is not installed") == true)
        #expect(network.names.resolver == "")
        #expect(network.isEmpty(within: .zero))
    }

    @Test("a gateway that does not answer closes the step's connection, and the executor lives on")
    func gatewayIsDown() async throws {
        let server = try LoopbackServer(greeting: "")
        let port = server.port
        server.stop()
        try await withExecutor(.sandbox) {
            $0.gatewayAuthority = "127.0.0.1:\(port)"
        } _: { service in
            for _ in 0..<2 {
                let task = try await service.assign(
                    .sample("bash -c 'exec 3<>/dev/tcp/127.0.0.1/\(port); wc -c <&3'; true")
                )
                #expect(await service.result(of: task).phase == .success)
                #expect(await service.log(task, .step(0)).contains("0"))
            }
        }
    }

    @Test("the gateway at an address of the host is reached under its name, and megabytes pass both ways")
    func gatewayByName() async throws {
        let server = try LoopbackServer(greeting: "", address: "0.0.0.0")
        defer { server.stop() }
        let address = HostAddresses.current().first ?? "127.0.0.1"
        try await withExecutor(.sandbox) { configuration in
            configuration.gatewayAuthority = "\(address):\(server.port)"
            configuration.network = .egress
        } _: { service in
            let script = """
                bash -c 'exec 3<>/dev/tcp/\(address)/\(server.port)
                head -c 8000000 /dev/zero >&3 & head -c 8000000 <&3 | wc -c; wait'
                """
            let task = try await service.assign(.sample(script))
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(0)) == "8000000\n")
        }
    }

    @Test(
        "the gateway's authority is read and resolved",
        arguments: [
            ("127.0.0.1:8000", "127.0.0.1", "", nil), ("localhost:80", "127.0.0.1", "", nil),
            ("192.0.2.7:443", "192.0.2.7", "", "192.0.2.7"),
        ] as [(String, String, String, String?)]
    )
    func authority(text: String, address: String, hosts: String, added: String?) throws {
        let endpoint = try GatewayEndpoint(text)
        #expect(endpoint.numericHost == address)
        #expect(endpoint.hostsLine == hosts)
        #expect(endpoint.addedAddress == added)
    }

    @Test(
        "an authority of another form is refused",
        arguments: ["", "host", ":80", "host:", "host:0", "host:99999", "no such host:80"]
    )
    func badAuthority(text: String) {
        #expect(throws: Failure.self) { try GatewayEndpoint(text) }
    }
}
