import Base
import FoundationEssentials
import Model

/// A push that git is about to carry out: written down first, so that no push is forgotten by whoever carries it out.
struct PushIntent: Codable, Sendable, Equatable {
    /// One ref that the push wants to create or move; deletions are not announced and not written down.
    struct Change: Codable, Sendable, Equatable {
        /// The ref's full name.
        var ref: String
        /// What it named when the push began; nil when it did not exist.
        var before: String?
        /// What the push wants it to name.
        var after: String
    }

    var id: String
    var repository: String
    var changes: [Change]
    var pusher: UserID?
    var receivedAt: Date
}

extension PushIntent.Change {
    /// What became of a change.
    enum Outcome: Equatable, Sendable {
        /// The ref was never moved.
        case dropped
        /// The ref was moved.
        case applied
        /// The ref names something else: applied if that descends from what was pushed.
        case superseded(by: String)
    }

    /// Judges by what the ref names now.
    ///
    /// Pushes to a repository follow one another, and each one is judged before the next
    /// begins, so only somebody who works past the service leaves a third value.
    func outcome(now current: String?) -> Outcome {
        if current == before { return .dropped }
        if current == after { return .applied }
        return current.map { .superseded(by: $0) } ?? .dropped
    }
}

/// One announcement of one ref's change to one project, kept until it is accepted.
struct Delivery: Codable, Sendable, Equatable {
    /// Who it is for and what it is about: deliveries of one lane arrive in order.
    struct Lane: Hashable, Sendable {
        let project: ProjectID
        let repository: String
        let ref: String
    }

    /// Tells repeated deliveries from new ones.
    var id: String
    var project: ProjectID
    var repository: String
    var ref: String
    /// The body, as it is signed and sent.
    var body: String
    var createdAt: Date
    /// The position within its push.
    var position: Int
    /// Why it was given up; nil while it is tried.
    var failure: String?

    var lane: Lane { Lane(project: project, repository: repository, ref: ref) }
}

extension PushIntent {
    /// The deliveries of the changes that were applied: one for each project and ref.
    ///
    /// What is not in `commits`, because no commit is behind it, is not announced.
    func deliveries(
        of applied: [Change],
        commits: [String: GitCommit],
        to projects: [ProjectID],
        makeID: () -> String = { Identifier<Delivery>.random().text }
    ) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        for change in applied {
            guard let commit = commits[change.after] else { continue }
            let body = String(decoding: try JSONCoding.encode(event(of: change, commit)), as: UTF8.self)
            for project in projects {
                let delivery = Delivery(
                    id: makeID(),
                    project: project,
                    repository: repository,
                    ref: change.ref,
                    body: body,
                    createdAt: receivedAt,
                    position: deliveries.count
                )
                deliveries.append(delivery)
            }
        }
        return deliveries
    }

    private func event(of change: Change, _ commit: GitCommit) -> GitEvent {
        GitEvent(
            repositoryPath: repository,
            ref: change.ref,
            old: change.before,
            new: change.after,
            commit: commit.sha,
            message: commit.message,
            author: commit.author,
            pusher: pusher,
            pushedAt: receivedAt
        )
    }
}
