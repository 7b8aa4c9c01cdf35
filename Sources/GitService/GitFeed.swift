import Base
import Subprocess
import Synchronization

/// Hands a request's body to git's standard input, and ends git when the client stops sending.
final class GitFeed: Sendable {
    private struct State {
        var waitingSince: ContinuousClock.Instant?
        var failure: (any Error)?
    }

    private let input: RequestBytes?
    private let idleLimit: Duration
    private let state = Mutex(State())

    /// Prepares to hand over `input`.
    init(_ input: RequestBytes?, idleLimit: Duration) {
        self.input = input
        self.idleLimit = idleLimit
    }

    /// Feeds git until the body ends or git stops reading; a broken body ends git, so that it never takes a part for the whole.
    func run(into writer: StandardInputWriter, stop: () throws -> Void) async throws {
        do {
            while let piece = try await nextPiece() {
                guard await accepts(piece, writer) else { break }
            }
            // Not closed, so already closed: git has ended, and its output says why.
            try? await writer.finish()
        } catch {
            fail(error)
            try stop()
        }
    }

    /// Ends git when the client has kept it waiting for too long.
    func watch(stop: () throws -> Void) async throws {
        while true {
            // In short sleeps, because one that is cancelled keeps its memory until its time.
            try await Task.sleep(for: idleLimit / 8)
            guard let since = state.withLock({ $0.waitingSince }), .now - since > idleLimit else { continue }
            fail(APIError(.badRequest, code: "clientTooSlow", "Nothing arrived for \(idleLimit)."))
            return try stop()
        }
    }

    /// Throws what ended git early, if anything did.
    func check() throws {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func nextPiece() async throws -> [UInt8]? {
        state.withLock { $0.waitingSince = .now }
        defer { state.withLock { $0.waitingSince = nil } }
        return try await input?.next()
    }

    private func accepts(_ piece: [UInt8], _ writer: StandardInputWriter) async -> Bool {
        do {
            return try await writer.write(piece) == piece.count
        } catch {
            return false
        }
    }

    private func fail(_ error: any Error) {
        state.withLock { state in
            if state.failure == nil { state.failure = error }
        }
    }
}
