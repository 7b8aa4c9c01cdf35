/// The links of an error, outermost first.
public struct ErrorChain: Sequence, CustomStringConvertible {
    private let top: any Error

    /// Starts at `error`.
    public init(_ error: any Error) {
        top = error
    }

    /// Walks from the outermost error to the root.
    public func makeIterator() -> AnyIterator<any Error> {
        var next: (any Error)? = top
        return AnyIterator {
            guard let current = next else { return nil }
            next = (current as? any CausedError)?.cause
            return current
        }
    }

    /// The first link of the given type, outermost first.
    public func first<Link: Error>(_ type: Link.Type) -> Link? {
        for link in self {
            if let link = link as? Link { return link }
        }
        return nil
    }

    /// Whether a `CancellationError` stands at the root, so that nothing went wrong.
    public var isCancellation: Bool { first(CancellationError.self) != nil }

    /// The chain for a reader who does not know the sources: the messages alone.
    public var message: String {
        joined(withSites: false)
    }

    /// The chain with the position of every link, on one line.
    public var description: String {
        joined(withSites: true)
    }

    /// One line per link, each with its position, for detailed logs.
    public var details: [String] {
        map { link in
            let message = Self.message(of: link)
            guard let site = (link as? any CausedError)?.site else { return message }
            return message.isEmpty ? "\(site)" : "\(site): \(message)"
        }
    }

    private func joined(withSites: Bool) -> String {
        map { link -> String in
            let message = Self.message(of: link)
            guard withSites, let site = (link as? any CausedError)?.site else { return message }
            return message.isEmpty ? "[\(site)]" : "\(message) [\(site)]"
        }
        .filter { !$0.isEmpty }
        .joined(separator: ": ")
    }

    private static func message(of link: any Error) -> String {
        (link as? any CausedError)?.linkMessage ?? "\(link)"
    }
}
