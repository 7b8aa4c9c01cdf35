import Base

/// What a push asks for: the list at the beginning of a receive-pack request (gitprotocol-pack, "Reference Update Request").
struct PushCommands: Equatable, Sendable {
    /// One ref to create, move or delete.
    struct Command: Equatable, Sendable {
        /// What the client believes the ref to be; nil for a new ref.
        var old: String?
        /// What it shall be; nil to delete it.
        var new: String?
        /// The full name.
        var ref: String
    }

    /// The most refs of one push.
    static let maximumCommands = 2_000
    /// The most bytes of the list.
    static let maximumBytes = 1 << 20

    /// The refs; empty when the client only tried whether it may push.
    var commands: [Command] = []
    /// What the client can do, such as `report-status`.
    var capabilities: Set<String> = []

    /// Whether git's answer comes in bands, progress beside the report.
    var usesSideBand: Bool { capabilities.contains("side-band-64k") || capabilities.contains("side-band") }
}

/// Reads the list as it arrives.
struct PushCommandParser: Sendable {
    private var result = PushCommands()
    private var bytes: [UInt8] = []
    private var position = 0

    /// Takes more of the request.
    /// - Returns: the list once it is complete; everything that was given must then be handed to git as it came.
    /// - Throws: ``APIError`` of kind `badRequest` when the list is malformed or too long.
    mutating func parse(_ more: some Sequence<UInt8>) throws -> PushCommands? {
        bytes += more
        var rest = bytes[position...]
        defer { position = rest.startIndex }
        while let packet = try next(&rest) {
            switch packet {
            case .flush:
                return result
            case .mark:
                throw Self.refusal("an unexpected mark")
            case .data(let line):
                try take(line)
            }
        }
        guard rest.startIndex <= PushCommands.maximumBytes else { throw Self.refusal("a list that is too long") }
        return nil
    }

    /// Everything that was given so far.
    var given: [UInt8] { bytes }

    private func next(_ rest: inout ArraySlice<UInt8>) throws -> PacketLine? {
        do {
            return try PacketLine.takeFirst(from: &rest)
        } catch {
            throw Self.refusal("a broken packet")
        }
    }

    private mutating func take(_ line: ArraySlice<UInt8>) throws {
        let parts = line.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard var text = parts.first.flatMap({ String(validating: $0, as: UTF8.self) }) else {
            throw Self.refusal("a name that is not UTF-8")
        }
        if text.hasSuffix("\n") { text.removeLast() }
        if text.hasPrefix("shallow "), ObjectName.isValid(text.dropFirst(8)) { return }
        if result.commands.isEmpty, parts.count == 2, let capabilities = String(validating: parts[1], as: UTF8.self) {
            result.capabilities = Set(capabilities.split { $0 == " " || $0 == "\n" }.map(String.init))
        }
        result.commands.append(try Self.command(text))
        guard result.commands.count <= PushCommands.maximumCommands else {
            let message = "A push may change \(PushCommands.maximumCommands) refs; push fewer at a time."
            throw APIError(.badRequest, code: "tooManyRefs", message)
        }
    }

    private static func command(_ text: String) throws -> PushCommands.Command {
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, ObjectName.isValid(parts[0]), ObjectName.isValid(parts[1]) else {
            throw refusal("a line that names no ref")
        }
        guard RefName.isValid(String(parts[2])) else { throw refusal("a ref name that git does not allow") }
        let known = { (name: Substring) in name == ObjectName.zero ? nil : String(name) }
        return PushCommands.Command(old: known(parts[0]), new: known(parts[1]), ref: String(parts[2]))
    }

    private static func refusal(_ what: String) -> APIError {
        APIError(.badRequest, code: "invalidPush", "The push begins with \(what).")
    }
}
