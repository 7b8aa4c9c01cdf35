import Base
import FoundationEssentials
import Model
import Testing

@testable import GitService

@Suite("the order of deliveries, and what became of pushes")
struct DeliveryQueueTests {
    private func delivery(_ id: String, _ ref: String = "refs/heads/a", project: String = "p") -> Delivery {
        Delivery(
            id: id,
            project: ProjectID(project),
            repository: "ada/hello",
            ref: ref,
            body: "{}",
            createdAt: Date(timeIntervalSince1970: 0),
            position: 0
        )
    }

    @Test("a lane's deliveries go one after the other, lanes do not wait for each other")
    func lanes() {
        let start = ContinuousClock.now
        var queue = DeliveryQueue()
        queue.add(
            [delivery("1"), delivery("2"), delivery("3", "refs/heads/b"), delivery("4", project: "q")],
            now: start
        )
        let due = queue.takeDue(now: start, limit: 8)
        #expect(Set(due.map(\.id)) == ["1", "3", "4"])
        #expect(queue.takeDue(now: start, limit: 8).isEmpty)
        let lane = delivery("1").lane
        #expect(queue.finish(lane, .done, now: start) == false)
        #expect(queue.takeDue(now: start, limit: 8).map(\.id) == ["2"])
    }

    @Test("failures are repeated later and later, and without end while nobody answers")
    func backOff() {
        var now = ContinuousClock.now
        var queue = DeliveryQueue()
        queue.add([delivery("1"), delivery("2")], now: now)
        var waits: [Duration] = []
        for _ in 0..<50 {
            #expect(queue.takeDue(now: now, limit: 1).map(\.id) == ["1"])
            #expect(queue.finish(delivery("1").lane, .unreachable, now: now) == false)
            let next = queue.nextDue ?? now
            waits.append(next - now)
            now = next
        }
        #expect(waits.first == .milliseconds(250))
        #expect(waits.last == .seconds(300))
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("a delivery that is refused again and again is given up, and the next one has its turn")
    func givingUp() {
        var now = ContinuousClock.now
        var queue = DeliveryQueue()
        queue.add([delivery("1"), delivery("2")], now: now)
        for attempt in 1...DeliveryQueue.maximumRefusals {
            #expect(queue.takeDue(now: now, limit: 1).map(\.id) == ["1"])
            let isGivenUp = queue.finish(delivery("1").lane, .refused, now: now)
            #expect(isGivenUp == (attempt == DeliveryQueue.maximumRefusals))
            now = queue.nextDue ?? now
        }
        #expect(queue.takeDue(now: now, limit: 1).map(\.id) == ["2"])
        #expect(queue.finish(delivery("2").lane, .done, now: now) == false)
        #expect(queue.count == 0 && queue.nextDue == nil)
    }

    @Test("a change is judged by what its ref names afterwards")
    func outcomes() {
        typealias Change = PushIntent.Change
        #expect(Change(ref: "r", before: "a", after: "b").outcome(now: "b") == .applied)
        #expect(Change(ref: "r", before: "a", after: "b").outcome(now: "a") == .dropped)
        #expect(Change(ref: "r", before: nil, after: "b").outcome(now: nil) == .dropped)
        #expect(Change(ref: "r", before: nil, after: "b").outcome(now: "b") == .applied)
        #expect(Change(ref: "r", before: "a", after: "b").outcome(now: nil) == .dropped)
        #expect(Change(ref: "r", before: "b", after: "b").outcome(now: "b") == .dropped)
        #expect(Change(ref: "r", before: "a", after: "b").outcome(now: "c") == .superseded(by: "c"))
    }
}
