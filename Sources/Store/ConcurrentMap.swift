import FoundationEssentials

/// Works many small things out at once: as many parts as there are processors, of neighbours each.
enum ConcurrentMap {
    /// So few are worked out before another task could begin.
    private static let fewest = 16

    /// What `transform` makes of each item, in the order of the items.
    /// - Throws: what `transform` throws for one of them.
    @concurrent static func map<Item: Sendable, Value: Sendable>(
        _ items: [Item],
        _ transform: @escaping @Sendable (Item) throws -> Value
    ) async throws -> [Value] {
        let width = ProcessInfo.processInfo.activeProcessorCount
        let share = max(fewest, (items.count + width - 1) / width)
        return try await withThrowingTaskGroup(of: (Int, [Value]).self) { group in
            for start in stride(from: 0, to: items.count, by: share) {
                let part = items[start..<min(start + share, items.count)]
                group.addTask { (start, try part.map(transform)) }
            }
            let parts = try await group.reduce(into: []) { $0.append($1) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }
}
