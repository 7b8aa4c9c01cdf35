import Base
import FoundationEssentials
package import Hummingbird
import HTTPTypes
import Model
import NIOCore
import ServiceKit
package import Store

/// The run events of a group as server-sent events (WHATWG HTML, section 9.2), numbered, so that a reader resumes where it was.
package struct RunEventFeed: Sendable {
    private let store: ServiceStore
    private let heartbeat: Duration

    /// Reads from the store's stream of run events.
    /// - Parameters:
    ///   - store: holds the events.
    ///   - heartbeat: the longest silence; a comment line breaks it, so that both ends notice when the other is gone.
    package init(store: ServiceStore, heartbeat: Duration = .seconds(15)) {
        self.store = store
        self.heartbeat = heartbeat
    }

    /// The answer that never ends.
    /// - Parameters:
    ///   - base: the group whose events, and those of groups below, are wanted.
    ///   - sequence: the last event that the reader knows; nil to begin with the next one.
    /// - Returns: the answer; its body ends when the reader has gone.
    package func response(of base: String, after sequence: Int64?) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                let (start, greeting) = try await start(after: sequence)
                try await writer.write(ByteBuffer(string: greeting))
                var position = start
                while true {
                    let after = position
                    guard let events = try await untilGracefulShutdown({ try await next(after: after) }) else { break }
                    var text = events.isEmpty ? ":\n\n" : ""
                    for event in events {
                        position = event.sequence
                        text += try Self.frame(event, of: base)
                    }
                    if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
                }
                try await writer.finish(nil)
            }
        )
    }

    // A position that was trimmed or never given out cannot be resumed at: the reader has to look at everything again.
    private func start(after sequence: Int64?) async throws -> (position: Int64, greeting: String) {
        let (oldest, last) = try await store.read { tx in
            (try tx.oldestEvent(of: RunKeys.events), try tx.lastEvent(of: RunKeys.events))
        }
        guard let sequence else {
            return (last, "id: \(last)\n:\n\n")
        }
        guard sequence < oldest - 1 || sequence > last else {
            return (sequence, ":\n\n")
        }
        return (last, "id: \(last)\nevent: reset\ndata: {}\n\n")
    }

    private func next(after position: Int64) async throws -> [StoredEvent] {
        let store = store
        let waits = ContinuousClock.now.advanced(by: heartbeat)
        do {
            return try await withDeadline(Deadline(waits)) {
                var events = store.store.eventsFollowing(stream: RunKeys.events, after: position).makeAsyncIterator()
                guard let first = try await events.next() else { return [] }
                return [first] + (try await store.store.events(of: RunKeys.events, after: first.sequence, limit: 200))
            }
        } catch is DeadlineExceeded {
            return []
        }
    }

    private static func frame(_ stored: StoredEvent, of base: String) throws -> String {
        var event = try JSONCoding.decode(RunEvent.self, from: stored.data)
        guard RunGroup.contains(base, event.group) else { return "" }
        event.sequence = stored.sequence
        let data = String(decoding: try JSONCoding.encode(event), as: UTF8.self)
        return "id: \(stored.sequence)\nevent: \(event.kind.rawValue)\ndata: \(data)\n\n"
    }
}
