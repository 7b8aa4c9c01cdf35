import Base
import FoundationEssentials
import Logging
import Model

/// Carries out pushes: one at a time for each repository, on record before git begins, acknowledged when it is settled.
struct PushReceiver: Sendable {
    private let git: GitCommand
    private let repositories: Repositories
    private let objects: GitObjects
    private let outbox: Outbox
    private let settlement: PushSettlement
    private let care: PackCare
    private let lanes: Lanes<RepositoryPath>

    /// How long a client may take for the list of refs.
    private static let listTimeout: Duration = .seconds(60)

    /// Carries out pushes to `repositories`.
    init(
        git: GitCommand,
        repositories: Repositories,
        objects: GitObjects,
        outbox: Outbox,
        settlement: PushSettlement,
        care: PackCare,
        lanes: Lanes<RepositoryPath>
    ) {
        self.git = git
        self.repositories = repositories
        self.objects = objects
        self.outbox = outbox
        self.settlement = settlement
        self.care = care
        self.lanes = lanes
    }

    /// Reads what a push asks for; `body` then begins anew.
    /// - Throws: ``APIError`` of kind `badRequest` when that is malformed, too long, or does not arrive.
    func commands(in body: RequestBytes) async throws -> PushCommands {
        do {
            return try await withDeadline(.after(Self.listTimeout)) {
                var parser = PushCommandParser()
                while let piece = try await body.next() {
                    guard let commands = try parser.parse(piece) else { continue }
                    await body.giveBack(parser.given)
                    return commands
                }
                throw APIError(.badRequest, code: "invalidPush", "The push ends before it says what to change.")
            }
        } catch is DeadlineExceeded {
            throw APIError(.badRequest, code: "clientTooSlow", "The push did not say what to change in time.")
        }
    }

    /// Carries out a push.
    /// - Parameters:
    ///   - repository: the repository, which exists.
    ///   - commands: what the push asks for.
    ///   - body: the whole request, the commands included.
    ///   - pusher: who pushes.
    ///   - output: takes git's answer; what acknowledges the push comes last, when the push is on record.
    /// - Throws: ``APIError`` when nothing has been changed; anything else may leave the push carried out or not.
    func receive(
        _ repository: RepositoryPath,
        _ commands: PushCommands,
        _ body: RequestBytes,
        pusher: UserID?,
        output: PieceChannel
    ) async throws {
        try await lanes.withLane(repository) {
            let directory = try repositories.existing(repository)
            let lock = try await PushLock.acquire(directory)
            try await repositories.removeRemains(repository)
            if !settlement.isSettled(repository) { try await settlement.settle(repository, in: directory, lock) }
            let intent = try await intent(repository, commands, pusher, in: directory)
            try FailPoint.pushRecord.pass()
            if let intent { try await outbox.begin(intent) }
            let report: [UInt8]
            do {
                try FailPoint.pushCarry.pass()
                report = try await carryOut(commands, body, in: directory, lock, output)
                if let intent {
                    try await settlement.settle(intent, repository, in: directory)
                } else {
                    try await repositories.synchronize(repository, refs: commands.commands.map(\.ref))
                }
            } catch {
                if intent != nil { settlement.leave(repository) }
                throw error
            }
            FailPoint.pushAnswer.reach()
            try await output.send(report)
        }
        await care.consider(repository)
    }

    private func intent(
        _ repository: RepositoryPath,
        _ commands: PushCommands,
        _ pusher: UserID?,
        in directory: String
    ) async throws -> PushIntent? {
        guard repository.kind == .hosted else { return nil }
        let wanted = commands.commands.filter { RefName.isAnnounced($0.ref) && $0.new != nil }
        guard !wanted.isEmpty else { return nil }
        // What the refs are, not what the client believes: git refuses the push where the two differ.
        let before = try await objects.refs(wanted.map(\.ref), in: directory)
        let changes = wanted.compactMap { command in
            command.new.map { PushIntent.Change(ref: command.ref, before: before[command.ref], after: $0) }
        }
        return PushIntent(
            id: Identifier<PushIntent>.random().text,
            repository: "\(repository)",
            changes: changes,
            pusher: pusher,
            receivedAt: Date()
        )
    }

    private func carryOut(
        _ commands: PushCommands,
        _ body: RequestBytes,
        in directory: String,
        _ lock: borrowing PushLock,
        _ output: PieceChannel
    ) async throws -> [UInt8] {
        var hold = ReportHold(usesSideBand: commands.usesSideBand)
        let isSuccess = try await git.exchange(
            ["receive-pack", "--stateless-rpc", directory],
            in: directory,
            input: body,
            complaints: try lock.complaints()
        ) { piece in
            try await output.send(try hold.pass(piece))
        }
        guard isSuccess else { throw Failure("git receive-pack failed in \(directory): \(lock.complaint)") }
        return hold.release()
    }
}
