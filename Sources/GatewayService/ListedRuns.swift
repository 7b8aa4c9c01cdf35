import Base
import FoundationEssentials
import Synchronization

/// The JSON of runs in lists, remembered by what the runservice said of the run: most runs in a list have ended and never change again,
/// and lists are what browsers ask for most.
final class ListedRuns: Sendable {
    /// The runservice's JSON of a run; arrays hash byte by byte, which takes longer than anything else here.
    private struct Key: Hashable {
        let text: [UInt8]

        func hash(into hasher: inout Hasher) {
            text.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    private struct Entry {
        let number: Int64
        let text: Data
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var size = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Remembers nothing yet, and never more than `limit` bytes.
    init(limit: Int = 4 << 20) {
        self.limit = limit
    }

    /// Makes a list of runs for the public.
    /// - Parameter runs: the runservice's JSON of each.
    /// - Returns: the list, and the number of its last run.
    /// - Throws: ``Failure`` when one is not what the runservice sends.
    func list(of runs: [[UInt8]]) throws -> (json: Data, lastNumber: Int64?) {
        var json = Data("[".utf8)
        var lastNumber: Int64?
        for run in runs {
            let entry = try entry(for: run)
            if lastNumber != nil { json.append(UInt8(ascii: ",")) }
            json.append(entry.text)
            lastNumber = entry.number
        }
        json.append(UInt8(ascii: "]"))
        return (json, lastNumber)
    }

    private func entry(for run: [UInt8]) throws -> Entry {
        let key = Key(text: run)
        if let known = state.withLock({ $0.entries[key] }) { return known }
        let response = try JSONCoding.decode(RunsResponse.self, from: run)
        let entry = Entry(number: response.number, text: try JSONCoding.encode(response))
        let size = run.count + entry.text.count
        // A giant would drive out all others.
        guard size <= limit / 16 else { return entry }
        state.withLock { state in
            if state.size + size > limit { state = State() }
            if state.entries.updateValue(entry, forKey: key) == nil { state.size += size }
        }
        return entry
    }
}
