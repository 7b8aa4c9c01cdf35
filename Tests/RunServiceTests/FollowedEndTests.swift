import Base
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RunService
import Synchronization
import TestSupport
import Testing

@Suite("A log without a byte that is followed", .temporaryDirectory, .timeLimit(.minutes(1)))
struct FollowedEndTests {
    @Test(
        "ends when its step has ended, also for who comes while that is being stored",
        arguments: [StepPhase.success, .running]
    )
    func whileStored(_ taskPhase: StepPhase) async throws {
        try await RunWorld.with { world in
            let task = try await Self.start(world)
            var status = task.status
            status.phase = taskPhase
            status.steps[0].phase = .success
            status.steps[0].logBytes = 0
            world.authority.hold()
            async let report: Void = world.report(task, status)
            try await world.authority.waitForCommit()
            let body = try await Self.follow(task, world)
            async let text = Self.text(of: body)
            world.authority.release()
            try await report
            #expect(try await text == "")
            #expect(try await world.intake.tasks() == [])
        }
    }

    @Test("ends for who comes when its step has ended, and leaves nothing behind")
    func afterwards() async throws {
        try await RunWorld.with { world in
            let task = try await Self.start(world)
            // Somebody asked for the log while the step ran, before this process began.
            #expect(try await world.intake.awaitedLog(.step(0), of: task.spec.id) != nil)
            var status = task.status
            status.phase = .running
            status.steps[0].phase = .success
            status.steps[0].logBytes = 0
            try await world.scheduler.submit(
                .event(.reported(task.spec.id, attempt: task.spec.attempt, executor: RunWorld.executor, status))
            )
            #expect(try await Self.text(of: Self.follow(task, world)) == "")
            #expect(try await world.intake.tasks() == [])
        }
    }

    private static func start(_ world: RunWorld) async throws -> ExecutorTask {
        let run = try await world.create("a")
        let work = try await world.scheduler.work(for: RunWorld.executor, after: -1, until: .after(.zero))
        let task = try #require(work.tasks.first { $0.spec.run == run.id })
        var status = task.status
        status.phase = .running
        status.steps[0].phase = .running
        try await world.report(task, status)
        return task
    }

    private static func text(of body: ResponseBody) async throws -> String {
        let collected = Collected()
        try await body.write(collected)
        return collected.bytes.withLock { String(decoding: $0, as: UTF8.self) }
    }

    private static func follow(_ task: ExecutorTask, _ world: RunWorld) async throws -> ResponseBody {
        try await LogReader(intake: world.intake, objects: world.objects, queries: world.queries)
            .body(.step(0), of: task.spec.id, run: task.spec.run, from: 0, follows: true)
    }
}

/// Collects what a body writes.
private final class Collected: ResponseBodyWriter {
    let bytes = Mutex<[UInt8]>([])

    func write(_ buffer: ByteBuffer) async throws {
        bytes.withLock { $0 += buffer.readableBytesView }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
