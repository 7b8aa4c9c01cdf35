/// Divides receive-pack's answer into progress, which may be seen at once, and the report, which acknowledges the push and
/// therefore waits until the push is on record.
struct ReportHold: Sendable {
    private let usesSideBand: Bool
    private var pending: [UInt8] = []
    /// What acknowledges the push.
    private(set) var held: [UInt8] = []

    /// The most bytes of a report; more than ``PushCommands/maximumCommands`` refs can need.
    static let maximumBytes = 8 << 20

    /// Prepares for an answer with or without bands.
    init(usesSideBand: Bool) {
        self.usesSideBand = usesSideBand
    }

    /// Takes more of the answer and returns what may pass.
    /// - Throws: ``PacketLine/Malformed`` when the answer is not what git writes, or endless.
    mutating func pass(_ bytes: some Sequence<UInt8>) throws(PacketLine.Malformed) -> [UInt8] {
        var passing: [UInt8] = []
        if usesSideBand {
            pending += bytes
            try divide(&passing)
        } else {
            held += bytes
        }
        guard held.count <= Self.maximumBytes else { throw PacketLine.Malformed() }
        return passing
    }

    /// The rest of the answer, once the push is on record.
    func release() -> [UInt8] { held + pending }

    private mutating func divide(_ passing: inout [UInt8]) throws(PacketLine.Malformed) {
        var rest = pending[...]
        var start = rest.startIndex
        while let packet = try PacketLine.takeFirst(from: &rest) {
            let whole = pending[start..<rest.startIndex]
            if case .data(let data) = packet, data.first == Self.progressBand {
                passing += whole
            } else {
                held += whole
            }
            start = rest.startIndex
        }
        pending.removeFirst(start)
    }

    private static let progressBand: UInt8 = 2
}
