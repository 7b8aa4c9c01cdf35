import Base
import GatewayService
import TestSupport
import Testing

/// The fixture itself.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct TestNginxTests {
    @Test("a test that is cancelled leaves no nginx behind")
    func cancellation() async throws {
        let port = Counter()
        let started = Gate()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled below: what it throws says nothing.
                _ = try? await TestNginx.run { settings in
                    try NginxSite(
                        listen: settings.listen,
                        publicDirectory: TemporaryDirectory.path,
                        apiSocket: TestFastCGI.path("api"),
                        streamSocket: TestFastCGI.path("stream"),
                        user: settings.user,
                        workers: 2
                    ).files()
                } _: { nginx in
                    port.add(Int(nginx.port))
                    started.open()
                    // Deaf to cancellation for a while, as a test that hangs.
                    let end = Deadline.after(.seconds(2))
                    while !end.isPast, Self.isListening(nginx.port) { await Task.yield() }
                }
            }
            await started.wait()
            group.cancelAll()
        }
        // Workers that outlive their master go on listening.
        try await eventually("nobody listens", within: .seconds(3)) { !Self.isListening(UInt16(port.value)) }
    }

    private static func isListening(_ port: UInt16) -> Bool {
        (try? Browser(port: port)) != nil
    }
}
