import Base
import FoundationEssentials
import StrictYAML

/// The variables of a direct run: files first, in their order, then single ones; the later wins.
struct RunVariables {
    private(set) var values: [String: String] = [:]

    /// Adds the map in a YAML or JSON file.
    /// - Throws: ``CommandFailure`` when the file is no map of texts.
    mutating func add(file path: String) throws {
        let text: String
        do {
            text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        } catch {
            throw CommandFailure("the variables in \(path) cannot be read: \(error)")
        }
        try add(text: text, from: path)
    }

    /// Adds `name=value`.
    /// - Throws: ``CommandFailure`` when it is of another form, or the value is empty.
    mutating func add(_ assignment: String) throws {
        let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw CommandFailure("“\(assignment)” is not of the form name=value")
        }
        try set(String(parts[0]), String(parts[1]))
    }

    /// Adds a map in YAML or JSON.
    /// - Throws: ``CommandFailure`` naming every fault with its line.
    mutating func add(text: String, from file: String) throws {
        let diagnostics = Diagnostics()
        let reader = YAMLDocument.parse(text, file: file, into: diagnostics).map {
            NodeReader($0, diagnostics: diagnostics)
        }
        let entries = reader.flatMap { $0.isNull ? [] : $0.entries() } ?? []
        let pairs = entries.map { ($0.key, $0.value.nonEmptyString(coercing: true)) }
        do {
            try diagnostics.throwIfErrors()
        } catch {
            throw CommandFailure(error.linkMessage)
        }
        for case (let name, let value?) in pairs { try set(name, value) }
    }

    private mutating func set(_ name: String, _ value: String) throws {
        guard !value.isEmpty else { throw CommandFailure("the variable \(name) has no value") }
        values[name] = value
    }
}
