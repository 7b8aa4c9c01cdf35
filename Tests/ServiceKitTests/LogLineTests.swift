import Base
import FoundationEssentials
import Logging
import ServiceKit
import Synchronization
import Testing

@Suite("A log line")
struct LogLineTests {
    private func lines(
        _ format: LineLogHandler.Format = .console,
        showsDetails: Bool = false,
        _ body: (Logger) -> Void
    ) -> [String] {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { _ in
            LineLogHandler(format: format, showsDetails: showsDetails) { line in lines.withLock { $0.append(line) } }
        }
        logger[metadataKey: "service"] = "runservice"
        body(logger)
        return lines.withLock(\.self)
    }

    private let failure = Failure(
        "archive run 7",
        cause: Failure("write object", file: "M/B.swift", line: 2),
        file: "M/A.swift",
        line: 1
    )

    @Test("has time, level, service, message and sorted pairs")
    func console() {
        let line = lines { $0.info("run archived", metadata: ["task": "build all", "run": "42"]) }[0]
        #expect(line.hasSuffix(" info runservice run archived run=42 task=\"build all\"\n"))
        #expect(Timestamp.date(String(line.prefix { $0 != " " })) != nil)
    }

    @Test("shows an error's message alone, or each link with its position when details are asked for")
    func errors() {
        let brief = lines { $0.error("cannot archive run", error: failure) }[0]
        #expect(brief.hasSuffix("error=\"archive run 7: write object\"\n"))
        let detailed = lines(showsDetails: true) { $0.error("cannot archive run", error: failure) }[0]
        #expect(detailed.hasSuffix("\n    M/A.swift:1: archive run 7\n    M/B.swift:2: write object\n"))
    }

    @Test("as JSON is one object; an error is a string, or an object when details are asked for")
    func json() throws {
        let brief = lines(.json) { $0.error("cannot archive run", error: failure) }[0]
        #expect(brief.contains("\"error\":\"archive run 7: write object\""))
        #expect(brief.contains("\"service\":\"runservice\""))
        let detailed = lines(.json, showsDetails: true) { $0.error("cannot archive run", error: failure) }[0]
        #expect(detailed.contains("\"details\":[\"M/A.swift:1: archive run 7\",\"M/B.swift:2: write object\"]"))
        #expect(brief.count(where: { $0 == "\n" }) == 1)
    }

    @Test(
        "cannot be forged or broken by what comes from outside",
        arguments: ["a\nb", "a\r\u{1B}[2Jb", "\u{0}", "a\"b=c"]
    )
    func hostile(_ text: String) {
        let line = lines { $0.info("request served", metadata: ["request": "\(text)"]) }[0]
        #expect(line.count(where: { $0 == "\n" }) == 1)
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 32 || $0 == "\n" })
        let json = lines(.json) { $0.info("request served", metadata: ["request": "\(text)"]) }[0]
        #expect(json.unicodeScalars.allSatisfy { $0.value >= 32 || $0 == "\n" })
    }
}
