import Base
import Model
import Testing

@Suite("A page of runs")
struct RunPageTests {
    private func page(_ runs: [String], hasMore: Bool) -> RunPage<[UInt8]> {
        RunPage(runs: runs.map { Array($0.utf8) }, hasMore: hasMore)
    }

    @Test("comes back from its lines", arguments: [[], [#"{"a":1}"#], [#"{"a":"x\ny"}"#, "{}", #"{"b":[]}"#]])
    func lines(_ runs: [String]) throws {
        for hasMore in [true, false] {
            let page = page(runs, hasMore: hasMore)
            #expect(try RunPage(lines: page.lines) == page)
        }
    }

    @Test("keeps a run on one line, however it was stored")
    func storedOnLines() throws {
        let page = page(["{\n  \"a\": \"x\\ny\"\n}\n", "{}"], hasMore: false)
        #expect(try RunPage(lines: page.lines) == self.page([#"{   "a": "x\ny" } "#, "{}"], hasMore: false))
    }

    @Test("is refused when it does not begin like one", arguments: ["", "\n", "{}", "[]", #"{"hasMore":1}"#])
    func foreign(_ text: String) {
        #expect(throws: Failure.self) { try RunPage(lines: Array(text.utf8)) }
    }
}
