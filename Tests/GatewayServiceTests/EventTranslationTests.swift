import Base
import FoundationEssentials
import Testing

@testable import GatewayService

struct EventTranslationTests {
    private static let event = """
        id: 7
        data: {"group":"/project/1/branch/main","kind":"run","name":"größe 🦆","number":3,"phase":"running","result":"unknown",\
        "run":"r","sequence":7,"time":"2026-01-02T03:04:05.000Z"}


        """

    @Test("events are translated whole, wherever their bytes are cut, within a character too")
    func cuts() throws {
        let bytes = Array(Self.event.utf8)
        var whole = RunEventTranslator(number: nil)
        let expected = try whole.translate(bytes)
        #expect(expected.contains("größe 🦆"))
        #expect(!expected.contains("/project/1"))
        for cut in 0...bytes.count {
            var translator = RunEventTranslator(number: nil)
            let translated = try translator.translate(Array(bytes[..<cut])) + translator.translate(Array(bytes[cut...]))
            #expect(translated == expected, "cut after \(cut) bytes")
        }
    }

    @Test("of one run's events, those of others are comments that still carry their ids")
    func otherRun() throws {
        var translator = RunEventTranslator(number: 4)
        #expect(try translator.translate(Array(Self.event.utf8)) == "id: 7\n:\n\n")
    }
}
