import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import ServiceKit
import WorkerClients

/// Server-sent events of the runs of a project or user, so that no page polls.
struct EventRoutes: Sendable {
    let runservice: RunServiceClient
    let owners: RunOwnerLookup

    func add(optional: GatewayRoutes) {
        for place in RunOwnerLookup.Place.allCases {
            optional.get("\(place.rawValue)/:owner/events") { request, context in
                try await events(request, context, place, number: nil)
            }
            optional.get("\(place.rawValue)/:owner/runs/:number/events") { request, context in
                guard let number = Int64(try context.pathVariable("number")) else {
                    throw APIError(.badRequest, code: "invalidRunNumber", "A run's number is a whole number.")
                }
                return try await events(request, context, place, number: number)
            }
        }
    }

    private func events(
        _ request: Request,
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place,
        number: Int64?
    ) async throws -> Response {
        let owner = try await owners.owner(place, context)
        try owner.requireSight(context.caller)
        let resume = request.headers[.lastEventID] ?? request.query("after")
        let reply = try await relay {
            try await runservice.events(of: owner.group, after: resume.flatMap { Int64($0) })
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                var translator = RunEventTranslator(number: number)
                for try await bytes in reply.body {
                    let text = try translator.translate(bytes)
                    if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
                }
                try await writer.finish(nil)
            }
        )
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = HTTPField.Name.literal("Last-Event-ID")
}

/// Turns the runservice's events into those of the public API: other names, nothing internal, one run if asked for.
struct RunEventTranslator {
    private let number: Int64?
    private var rest: [UInt8] = []

    init(number: Int64?) {
        self.number = number
    }

    /// Takes the next bytes and returns the events that are complete.
    mutating func translate(_ bytes: [UInt8]) throws -> String {
        // Pieces may end within a character, events do not.
        rest += bytes
        var translated = ""
        while let end = rest.firstRange(of: Array("\n\n".utf8)) {
            translated += try translate(event: Substring(String(decoding: rest[..<end.lowerBound], as: UTF8.self)))
            rest.removeSubrange(..<end.upperBound)
        }
        return translated
    }

    private struct PublicRun: Encodable {
        let number: Int64
        let name: String
        let phase: RunPhase
        let result: RunResult
    }

    private struct PublicTask: Encodable {
        let number: Int64
        let task_id: TaskID
        let name: String
        let status: TaskStatus
    }

    private func translate(event text: Substring) throws -> String {
        let lines = text.split(separator: "\n")
        guard let data = lines.first(where: { $0.hasPrefix("data: {\"") })?.dropFirst(6) else { return text + "\n\n" }
        let id = lines.first { $0.hasPrefix("id: ") } ?? ""
        let event = try JSONCoding.decode(RunEvent.self, from: data.utf8)
        guard number == nil || number == event.number else { return "\(id)\n:\n\n" }
        return "\(id)\nevent: \(event.kind.rawValue)\ndata: \(try Self.data(of: event))\n\n"
    }

    private static func data(of event: RunEvent) throws -> String {
        let data: Data
        if let task = event.task, let name = event.taskName, let status = event.taskStatus {
            data = try JSONCoding.encode(PublicTask(number: event.number, task_id: task, name: name, status: status))
        } else {
            data = try JSONCoding.encode(
                PublicRun(number: event.number, name: event.name, phase: event.phase, result: event.result)
            )
        }
        return String(decoding: data, as: UTF8.self)
    }
}
