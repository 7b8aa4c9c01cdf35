import Base
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct MalformedAnswerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var answer: String
        var kind: HTTPTransportError.Kind = .brokenTransfer
    }

    @Test(
        "a broken answer fails with its kind and names the call",
        arguments: [
            Case(testDescription: "nothing at all", answer: ""),
            Case(testDescription: "garbage", answer: "\u{0}\u{1}\u{2}garbage\r\n\r\n"),
            Case(testDescription: "HTTP/0.9", answer: "<html>hello</html>"),
            Case(testDescription: "half a head", answer: "HTTP/1.1 200 OK\r\nContent-Le"),
            Case(testDescription: "no status number", answer: "HTTP/1.1 abc OK\r\n\r\n"),
            Case(testDescription: "a status of four digits", answer: "HTTP/1.1 2000 OK\r\n\r\n"),
            Case(testDescription: "an interim head only", answer: "HTTP/1.1 100 Continue\r\n\r\n"),
            Case(testDescription: "a header without colon", answer: "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
            Case(testDescription: "a header name with a space", answer: "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"),
            Case(testDescription: "a truncated body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
            Case(testDescription: "a negative length", answer: "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"),
            Case(
                testDescription: "truncated chunks",
                answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            ),
            Case(
                testDescription: "a chunk size that is no number",
                answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"
            ),
            Case(
                testDescription: "an endless head",
                answer: "HTTP/1.1 200 OK\r\n"
                    + String(repeating: "A: \(String(repeating: "b", count: 500))\r\n", count: 200),
                kind: .tooLarge
            ),
            Case(
                testDescription: "endless interim heads",
                answer: String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", count: 5000),
                kind: .tooLarge
            ),
            Case(
                testDescription: "one endless line",
                answer: "HTTP/1.1 200 OK\r\nA: " + String(repeating: "b", count: 80_000) + "\r\n\r\n",
                kind: .tooLarge
            ),
        ]
    )
    func refusesBrokenAnswers(broken: Case) async throws {
        let client = try HTTPClient()
        try await RawServer.with(RawServer.answering(broken.answer, thenCloses: true)) { server in
            let error = await #expect(throws: HTTPTransportError.self) {
                try await client.send(HTTPCall(.get, server.endpoint, "/thing?token=secret")).collect()
            }
            #expect(error?.kind == broken.kind, "\(error?.description ?? "no error")")
            #expect(error?.call == "GET /thing at \(server.endpoint)")
            #expect(error?.description.contains("secret") == false)
            #expect(error?.message.isEmpty == false)
        }
    }

    @Test("an answer is understood however it is cut", arguments: ["\r\n", "\n"])
    func readsByteByByte(lineEnd: String) async throws {
        let lines = [
            "HTTP/1.1 100 Continue", "", "HTTP/1.1 103 Early Hints", "Link: early", "", "HTTP/1.1 200", "Empty:",
            "Set-Cookie: a=1", "Set-Cookie: b=2", "Folded: one", "\t two ", "Latin: caf\u{e9}",
            "Transfer-Encoding: chunked", "", "3;ext=1", "abc", "2", "de", "0", "Trailer: late", "", "",
        ]
        let answer = lines.joined(separator: lineEnd)
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            for byte in answer.utf8 where !connection.write([byte]) { return }
        }
        try await RawServer.with(script) { server in
            let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            #expect(reply.status == 200)
            #expect(reply.headers[values: .setCookie] == ["a=1", "b=2"])
            #expect(reply.headers[.init("Folded")!] == "one two")
            #expect(reply.headers[.init("Latin")!] == "café")
            #expect(reply.headers[.init("Empty")!] == "")
            #expect(reply.headers[.init("Link")!] == nil, "fields of interim heads do not count")
            #expect(reply.headers[.init("Trailer")!] == nil)
            #expect(try await reply.collect() == Array("abcde".utf8))
        }
    }
}
