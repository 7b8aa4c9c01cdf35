import Base
import ServiceKit
import TestSupport

/// One thing that is done to an installation.
enum Fault: Sendable, CustomStringConvertible {
    /// A process is killed.
    case kill(Component)
    /// A process is stopped for a while.
    case pause(Component, Duration)
    /// A process is told what to do at its failpoints; after the time it is told nothing again.
    case failPoint(Component, plan: String, Duration?)
    /// The disk is full for a while.
    case fullDisk(Duration)

    /// The fault in words.
    var description: String {
        switch self {
        case .kill(let component): "kill \(component.rawValue)"
        case .pause(let component, let time): "pause \(component.rawValue) for \(time)"
        case .failPoint(let component, let plan, let time):
            "tell \(component.rawValue) \(plan)" + (time.map { " for \($0)" } ?? "")
        case .fullDisk(let time): "fill the disk for \(time)"
        }
    }

    /// Where which component can be broken.
    private static let points: [(component: Component, points: [FailPoint])] = {
        let store: [FailPoint] = [
            .storeCommitBegin, .storeCommitApplied, .storeCommitDecide, .storeCommitDecided, .storeCommitAnswer,
        ]
        let objects: [FailPoint] = [.objectSync, .objectRename, .objectDirectories]
        return [
            (.configstore, store),
            (.runservice, store + objects + [.logAppend, .logSeal, .logSealed]),
            (.gitserver, store + [.pushRecord, .pushCarry, .pushSettle, .pushAnswer, .pushAnnounced]),
            (.executor, [.taskWrite, .taskRename, .taskSync, .taskLog]),
        ]
    }()

    /// Places at which bytes are written.
    private static let writes: Set<FailPoint> = [.logAppend, .taskWrite, .taskLog]

    /// Chooses a fault.
    static func random(_ random: inout SeededGenerator, hasDisk: Bool) -> Fault {
        let component = Component.allCases.randomElement(using: &random) ?? .executor
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: return .kill(component)
        case 30..<45: return .pause(component, .milliseconds(.random(in: 20...1_500, using: &random)))
        // As long as leases and heartbeats.
        case 45..<48: return .pause(component, .milliseconds(.random(in: 3_000...8_000, using: &random)))
        case 48..<52 where hasDisk: return .fullDisk(.milliseconds(.random(in: 50...1_200, using: &random)))
        case 52..<80: return deadly(&random)
        default: return erroneous(&random)
        }
    }

    private static func place(_ random: inout SeededGenerator) -> (Component, FailPoint) {
        let choice = points[Int.random(in: 0..<points.count, using: &random)]
        return (choice.component, choice.points[Int.random(in: 0..<choice.points.count, using: &random)])
    }

    private static func deadly(_ random: inout SeededGenerator) -> Fault {
        let (component, point) = place(&random)
        let isTorn = writes.contains(point) && Bool.random(using: &random)
        let action = isTorn ? "torn:\(Int.random(in: 0...80, using: &random))" : "kill"
        let pass = Int.random(in: 1...(Bool.random(using: &random) ? 3 : 40), using: &random)
        return .failPoint(component, plan: "\(point.rawValue)=\(action)@\(pass)", nil)
    }

    private static func erroneous(_ random: inout SeededGenerator) -> Fault {
        let (component, point) = place(&random)
        let action: String
        switch Int.random(in: 0..<4, using: &random) {
        case 0: action = "ENOSPC"
        case 1: action = "EIO"
        case 2 where writes.contains(point): action = "cut:\(Int.random(in: 0...80, using: &random))"
        default: action = "delay:\(Int.random(in: 1...200, using: &random))"
        }
        let plan = "\(point.rawValue)=\(action)~\(Bool.random(using: &random) ? 0.9 : 0.2) seed=\(random.next())"
        return .failPoint(component, plan: plan, .milliseconds(.random(in: 50...1_000, using: &random)))
    }
}
