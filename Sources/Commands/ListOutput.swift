import ArgumentParser
import Base

/// How lists are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
}

/// The option of every list.
struct ListOutput: ParsableArguments {
    @Option(name: [.long, .short], help: "How to print: text or json.")
    var output = OutputFormat.text

    /// Prints one line an item, or one JSON array.
    func print<Item: Encodable>(_ items: [Item], line: (Item) -> String) throws {
        let terminal = Terminal.current
        switch output {
        case .text: for item in items { try terminal.line(line(item)) }
        case .json: try terminal.line(String(decoding: try JSONCoding.encode(items), as: UTF8.self))
        }
    }
}
