import Foundation
import Store
import Testing

/// Every acknowledged number is there, and at most one more per writer: the one it waited for.
///
/// Of earlier lines that the writer went on after, any number more.
func checkWriter(
    _ name: String,
    lines: [String],
    mustAcknowledge: Bool = true,
    isEarlier: Bool = false,
    in store: ServiceStore
) async throws {
    let acknowledged = lines.map { $0.split(separator: " ") }.filter { $0.first == "ack" }
    #expect(acknowledged.count > 0 || !mustAcknowledge)
    for writer in 0..<4 {
        let last = acknowledged.last { $0[1] == "\(writer)" }.flatMap { Int($0[2]) } ?? 0
        let key = "\(name)-\(writer)"
        try await store.read { tx throws in
            let number = Int(try tx.record(type: "counter", id: key)?.data.text ?? "0") ?? -1
            let most = isEarlier ? Int.max : last + 1
            #expect((last...most).contains(number), "\(key): acknowledged \(last), found \(number)")
            let live = Int(try tx.live("last/\(key)")?.data.text ?? "0")
            #expect(live == number, "\(key): half a batch")
        }
    }
    for line in acknowledged.suffix(50) {
        let sequence = Int64(line[3]) ?? 0
        let event = try await store.store.events(of: "all", after: sequence - 1, limit: 1).first
        #expect(event?.data.text == "\(name)-\(line[1]) \(line[2])")
    }
}

/// The events are those of whole batches, in order and without a gap.
func checkEvents(of store: ServiceStore) async throws {
    let oldest = try await store.read { try $0.oldestEvent(of: "all") }
    var expected = oldest
    var numbers: [String: Int] = [:]
    while case let page = try await store.store.events(of: "all", after: expected - 1), !page.isEmpty {
        for event in page {
            #expect(event.sequence == expected)
            expected += 1
            let parts = event.data.text.split(separator: " ")
            let number = Int(parts[1]) ?? 0
            if let last = numbers.updateValue(number, forKey: String(parts[0])) { #expect(number == last + 1) }
        }
    }
    #expect(try await store.read { try $0.lastEvent(of: "all") } == expected - 1)
}
