#if MARTLET_FAILPOINTS
import Glibc

/// What a process was told to do at its failpoints: the entries of a text such as `store.commit.decide=kill@3 file.write=torn:5`.
public struct FailPlan: Sendable, Equatable {
    /// What happens at a failpoint.
    public enum Action: Sendable, Equatable {
        /// The process kills itself.
        case kill
        /// The process stops until somebody continues it.
        case pause
        /// The call fails with an error number.
        case error(Int32)
        /// The thread sleeps.
        case delay(milliseconds: Int)
        /// So many bytes are written, then the process kills itself.
        case torn(bytes: Int)
        /// So many bytes are written, then the call fails as on a full disk.
        case cut(bytes: Int)
    }

    /// At which of its passes a failpoint acts, counted from 1.
    public enum Moment: Sendable, Equatable {
        /// At one pass.
        case at(UInt64)
        /// At that pass and all later ones.
        case from(UInt64)
        /// At passes that the seed chooses, with this probability.
        case chance(Double)
    }

    /// One entry.
    public struct Entry: Sendable, Equatable {
        /// Where.
        public let point: FailPoint
        /// What.
        public let action: Action
        /// When.
        public let moment: Moment

        /// Makes an entry.
        public init(_ point: FailPoint, _ action: Action, _ moment: Moment = .at(1)) {
            self.point = point
            self.action = action
            self.moment = moment
        }
    }

    /// The entries, in order; the first that acts at a pass decides.
    public var entries: [Entry]
    /// Chooses the passes of entries with a probability.
    public var seed: UInt64

    /// Makes a plan.
    public init(_ entries: [Entry] = [], seed: UInt64 = 0) {
        self.entries = entries
        self.seed = seed
    }

    /// Reads a plan from its text: entries `name=action[@n|@n+|~probability]` and `seed=number`, separated by white space.
    /// - Throws: ``Failure`` naming what it does not know.
    public init(text: String) throws {
        self.init()
        for word in text.split(whereSeparator: \.isWhitespace) {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw Failure("failpoints: \(word) is not name=action") }
            if parts[0] == "seed" {
                guard let number = UInt64(parts[1]) else { throw Failure("failpoints: \(word) is no seed") }
                seed = number
                continue
            }
            guard let point = FailPoint(rawValue: String(parts[0])) else {
                throw Failure("failpoints: there is none called \(parts[0])")
            }
            entries.append(try Self.entry(point, parts[1]))
        }
    }

    /// The text that ``init(text:)`` reads.
    public var text: String {
        (entries.map(\.text) + ["seed=\(seed)"]).joined(separator: "\n") + "\n"
    }

    /// What happens at the `number`-th pass of a failpoint.
    public func action(at point: FailPoint, pass number: UInt64) -> Action? {
        entries.first { $0.point == point && $0.moment.includes(number, of: point, seed: seed) }?.action
    }

    private static func entry(_ point: FailPoint, _ text: Substring) throws -> Entry {
        let mark = text.firstIndex { $0 == "@" || $0 == "~" } ?? text.endIndex
        guard let action = Action(text[..<mark]), let moment = Moment(text[mark...]) else {
            throw Failure("failpoints: \(text) is not an action")
        }
        return Entry(point, action, moment)
    }
}

extension FailPlan.Entry {
    fileprivate var text: String { "\(point.rawValue)=\(action.text)\(moment.text)" }
}

extension FailPlan.Action {
    private static let errors: [(name: Substring, code: Int32)] = [("ENOSPC", ENOSPC), ("EIO", EIO)]

    fileprivate init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 1)
        let number = parts.count == 2 ? Int(parts[1]).flatMap { $0 >= 0 ? $0 : nil } : nil
        switch (parts.first, number) {
        case ("kill", nil) where parts.count == 1: self = .kill
        case ("pause", nil) where parts.count == 1: self = .pause
        case ("delay", let number?): self = .delay(milliseconds: number)
        case ("torn", let number?): self = .torn(bytes: number)
        case ("cut", let number?): self = .cut(bytes: number)
        default:
            guard let error = Self.errors.first(where: { $0.name == text }) else { return nil }
            self = .error(error.code)
        }
    }

    fileprivate var text: String {
        switch self {
        case .kill: "kill"
        case .pause: "pause"
        case .error(let code): Self.errors.first { $0.code == code }.map { String($0.name) } ?? "EIO"
        case .delay(let milliseconds): "delay:\(milliseconds)"
        case .torn(let bytes): "torn:\(bytes)"
        case .cut(let bytes): "cut:\(bytes)"
        }
    }
}

extension FailPlan.Moment {
    fileprivate init?(_ text: Substring) {
        switch text.first {
        case nil:
            self = .at(1)
        case "~":
            guard let chance = Double(text.dropFirst()), (0...1).contains(chance) else { return nil }
            self = .chance(chance)
        default:
            let isOpen = text.last == "+"
            guard let number = UInt64(text.dropFirst().dropLast(isOpen ? 1 : 0)), number > 0 else { return nil }
            self = isOpen ? .from(number) : .at(number)
        }
    }

    fileprivate var text: String {
        switch self {
        case .at(let number): "@\(number)"
        case .from(let number): "@\(number)+"
        case .chance(let chance): "~\(chance)"
        }
    }

    /// The choice depends on nothing but seed, name and number, so that the order of threads does not matter.
    fileprivate func includes(_ number: UInt64, of point: FailPoint, seed: UInt64) -> Bool {
        switch self {
        case .at(let wanted): return number == wanted
        case .from(let first): return number >= first
        case .chance(let chance):
            // FNV-1a of the name, then SplitMix64's last steps.
            var mixed = point.rawValue.utf8.reduce(0xCBF2_9CE4_8422_2325 ^ seed) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01B3
            }
            mixed &+= number &* 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            mixed ^= mixed >> 31
            return Double(mixed >> 11) < chance * Double(UInt64(1) << 53)
        }
    }
}
#endif
