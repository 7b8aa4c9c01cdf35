import Base
package import FoundationEssentials
package import Logging

/// One log event as text.
package struct LogLine {
    private let event: LogEvent
    private let pairs: [(key: String, value: String)]
    private let time: Date
    private let chain: ErrorChain?
    private let showsDetails: Bool

    /// Takes what there is to say.
    package init(event: LogEvent, pairs: Logger.Metadata, time: Date, showsDetails: Bool) {
        self.event = event
        self.pairs = pairs.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
        self.time = time
        self.showsDetails = showsDetails
        chain = event.error.map(ErrorChain.init)
    }

    /// `2026-11-20T23:38:17.123Z info runservice run archived run=42 ms=18 error="…"`, then one line for each link of the error
    /// if details were asked for.
    package var console: String {
        var line = "\(Timestamp.text(time)) \(event.level)"
        if let service = pairs.first(where: { $0.key == "service" })?.value { line += " \(service)" }
        line += " \(Self.oneLine("\(event.message)"))"
        for pair in pairs where pair.key != "service" {
            line += " \(pair.key)=\(Self.quoted(pair.value))"
        }
        guard let chain else { return line + "\n" }
        line += " error=\(Self.quoted(chain.message))\n"
        guard showsDetails else { return line }
        return line + chain.details.map { "    \(Self.oneLine($0))\n" }.joined()
    }

    /// One JSON object; the error is a string, or an object with its details if they were asked for.
    package var json: String {
        var fields: [String: LogField] = [
            "time": .text(Timestamp.text(time)),
            "level": .text(event.level.rawValue),
            "message": .text("\(event.message)"),
        ]
        for pair in pairs { fields[pair.key] = .text(pair.value) }
        if let chain {
            fields["error"] = showsDetails ? .error(chain.message, chain.details) : .text(chain.message)
        }
        do {
            return String(decoding: try JSONCoding.encode(fields), as: UTF8.self) + "\n"
        } catch {
            return console
        }
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes =
            text.isEmpty || text.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0.value < 32 }
        guard needsQuotes else { return text }
        return "\"\(oneLine(text).replacing("\"", with: "\\\""))\""
    }

    // A line of the log is a line: what came from outside must not be able to forge another one or move the cursor.
    private static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else { return text }
        return text.unicodeScalars.map { scalar in
            switch scalar {
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            default:
                scalar.value < 32 || scalar.value == 127 ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            }
        }
        .joined()
    }
}

private enum LogField: Encodable {
    case text(String)
    case error(String, [String])

    private enum Keys: String, CodingKey {
        case message, details
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .text(let text):
            var container = encoder.singleValueContainer()
            try container.encode(text)
        case .error(let message, let details):
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(message, forKey: .message)
            try container.encode(details, forKey: .details)
        }
    }
}
