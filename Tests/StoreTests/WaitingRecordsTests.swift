import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite("records that wait for others", .temporaryDirectory, .timeLimit(.minutes(5)))
struct WaitingRecordsTests {
    @Test("leave the queue in the order in which they came, whatever their sizes, and the rest comes at the end")
    func order() async throws {
        let store = try await ExchangeFixture.open("target")
        let rules = ImportRules(
            service: "letters",
            types: ["letter"],
            makeCheck: { AscendingCheck() },
            makeAgolaConverter: { Delaying(queue: $0) }
        )
        let intake = try await store.beginImport(rules, gathering: 1)
        for number in 0..<3_000 {
            let size = number == 1_234 ? 3 << 20 : number % 900
            let data = Data(repeating: 65, count: size).base64EncodedString()
            let id = String(format: "%06d", number)
            try await intake.add("{\"id\":\"\(id)\",\"data_type\":\"letter\",\"data\":\"\(data)\"}".bytes)
        }
        let summary = try await intake.finish().summary
        #expect(summary.records == ["letter": 3_000])
        #expect(summary.warnings.last == "The last letter was 002999.")
    }

    @Test("types in another order than the service's are refused, as what records refer to would come too late")
    func typeOrder() async throws {
        let store = try await ExchangeFixture.filled(at: "source")
        let export = try await store.export(service: "letters", types: ["number", "letter"]).text()
        let refusal = await store.refusal(of: export.bytes)
        #expect(refusal?.message == "Line 1, byte 0: the types are not in the order letter, number.")
    }
}

/// Lets every third record out only when the next ones come.
private struct Delaying: RecordConverter {
    let types: Set<String> = ["letter"]
    let warnings: [String] = []
    var queue: RecordQueue
    var count = 0

    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        try queue.append(record)
        count += 1
        return count.isMultiple(of: 3) ? try take(2) : []
    }

    mutating func finish() throws -> [ImportedRecord] { try take(.max) }

    private mutating func take(_ limit: Int) throws -> [ImportedRecord] {
        var taken: [ImportedRecord] = []
        while taken.count < limit, let record = try queue.first() {
            taken.append(record)
            queue.removeFirst()
        }
        return taken
    }
}

private struct AscendingCheck: RecordCheck {
    var last = ""

    mutating func check(_ record: ImportedRecord, _ content: Void) throws {
        guard last < record.id else { throw APIError(.badRequest, "\(record.id) comes after \(last)") }
        last = record.id
    }

    func finish() -> [String] { ["The last letter was \(last)."] }
}
