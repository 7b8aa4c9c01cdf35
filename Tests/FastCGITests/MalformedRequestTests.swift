import Base
import FastCGI
import Glibc
import Hummingbird
import TestSupport
import Testing

/// Clients that break the protocol, by mistake or on purpose.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct MalformedRequestTests {
    private static var routes: RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        router.get("hello") { _, _ in "hello" }
        router.post("echo") { request, _ in Response(status: .ok, body: .init(asyncSequence: request.body)) }
        return router.buildResponder()
    }

    private static let malformed: [(name: String, bytes: [UInt8])] = {
        let parameters = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/hello")]
        func encoded(_ body: (inout RecordEncoder) -> Void) -> [UInt8] {
            var encoder = RecordEncoder()
            body(&encoder)
            return encoder.bytes
        }
        return [
            ("plain HTTP", Array("GET /hello HTTP/1.1\r\n\r\n".utf8)),
            ("zeros", [UInt8](repeating: 0, count: 64)),
            ("version 2", encoded { $0.record(1, [0, 1, 0, 0, 0, 0, 0, 0], version: 2) }),
            ("no begin record", encoded { $0.parameters(parameters) }),
            ("short begin record", encoded { $0.record(1, [0, 1]) }),
            (
                "begin record without id",
                encoded {
                    $0.id = 0; $0.begin()
                }
            ),
            (
                "authorizer role",
                encoded {
                    $0.begin(role: 2); $0.parameters(parameters); $0.input([])
                }
            ),
            (
                "two begin records",
                encoded {
                    $0.begin(); $0.begin(); $0.parameters(parameters)
                }
            ),
            (
                "abort",
                encoded {
                    $0.begin(); $0.record(2, [])
                }
            ),
            (
                "unknown record type",
                encoded {
                    $0.begin(); $0.record(99, [])
                }
            ),
            (
                "input before the parameters",
                encoded {
                    $0.begin(); $0.input([1]); $0.parameters(parameters)
                }
            ),
            (
                "another request's parameters",
                encoded {
                    $0.begin(); $0.id = 2; $0.parameters(parameters)
                }
            ),
            (
                "parameters that end inside a name",
                encoded {
                    $0.begin(); $0.record(4, [200, 0]); $0.record(4, [])
                }
            ),
            (
                "a name of two gigabytes",
                encoded {
                    $0.begin(); $0.record(4, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
                }
            ),
            (
                "management record that repeats itself",
                encoded {
                    $0.id = 0
                    $0.record(
                        9,
                        Array(
                            [[UInt8]](repeating: RecordEncoder.pair(Array("FCGI_MAX_CONNS".utf8), []), count: 20)
                                .joined()
                        )
                    )
                }
            ),
            ("bytes after the request", RecordEncoder.request("GET", "/hello").bytes + [1, 1, 0]),
            (
                "a second request at once",
                RecordEncoder.request("GET", "/hello", keep: true).bytes
                    + RecordEncoder.request("GET", "/hello", keep: true).bytes
            ),
        ]
    }()

    @Test("a malformed request is refused, and the next one is answered", arguments: malformed.indices)
    func refused(index: Int) async throws {
        try await TestFastCGI.serve(Self.routes) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            try await client.send(Self.malformed[index].bytes)
            let reply = try await client.reply()
            #expect(reply == RawClient.Reply(isClosed: true), "\(Self.malformed[index].name)")
            #expect(try await TestFastCGI.call(.request("GET", "/hello")).body == "hello")
        }
    }

    @Test("parameters above the limit are refused", arguments: [21_000, 66_000, 400_000])
    func largeParameters(size: Int) async throws {
        let large = RecordEncoder.request("GET", "/hello", fields: [("HTTP_X", String(repeating: "x", count: size))])
        try await TestFastCGI.serve(Self.routes, change: { $0.parameterLimit = 20_000 }) { _ in
            let reply = try await TestFastCGI.call(large)
            #expect(reply == RawClient.Reply(isClosed: true))
            #expect(try await TestFastCGI.call(.request("GET", "/hello")).body == "hello")
        }
    }

    @Test("parameters below the limit are taken, in records of any size", arguments: [1, 7, 1000, 0xffff])
    func splitParameters(recordSize: Int) async throws {
        var encoder = RecordEncoder()
        encoder.begin()
        let long = String(repeating: "x", count: 6_000)
        encoder.parameters(
            [("REQUEST_METHOD", "GET"), ("HTTP_X", long), ("HTTP_Y", ""), ("REQUEST_URI", "/hello")],
            recordSize: recordSize
        )
        encoder.input([])
        let request = encoder
        let reply = try await TestFastCGI.serve(Self.routes, change: { $0.parameterLimit = 120_000 }) { _ in
            try await TestFastCGI.call(request)
        }
        #expect(reply.body == "hello")
    }

    @Test(
        "a request without method, path or with a malformed length is answered 400",
        arguments: [
            [("REQUEST_URI", "/hello")], [("REQUEST_METHOD", "GET")],
            [("REQUEST_METHOD", "G T"), ("REQUEST_URI", "/hello")],
            [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "hello")],
            [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/h\u{e9}")],
            [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/hello"), ("CONTENT_LENGTH", "-1")],
            [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/hello"), ("CONTENT_LENGTH", "99999999999999999999")],
        ]
    )
    func badParameters(_ parameters: [(String, String)]) async throws {
        var encoder = RecordEncoder()
        encoder.begin()
        encoder.parameters(parameters)
        encoder.input([])
        let request = encoder
        let reply = try await TestFastCGI.serve(Self.routes) { _ in try await TestFastCGI.call(request) }
        #expect(reply.status == 400)
        #expect(reply.body.hasPrefix(#"[{"code":"invalid"#))
    }

    @Test("a request that arrives byte by byte is answered")
    func byteByByte() async throws {
        let reply = try await TestFastCGI.serve(Self.routes) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            for byte in RecordEncoder.request("GET", "/hello").bytes { try await client.send([byte]) }
            return try await client.reply()
        }
        #expect(reply.body == "hello")
    }

    @Test("a client that vanishes after any number of bytes leaves the server whole")
    func vanishes() async throws {
        try await TestFastCGI.serve(Self.routes, change: { $0.bodyLimit = nil }) { _ in
            let bytes = RecordEncoder.request("POST", "/echo", body: [1, 2, 3, 4, 5, 6, 7, 8]).bytes
            for count in 0...bytes.count {
                let client = try RawClient(path: TestFastCGI.path())
                try await client.send(Array(bytes.prefix(count)))
                client.shutDown()
            }
            let big = RecordEncoder.request("POST", "/echo", body: [UInt8](repeating: 7, count: 300_000)).bytes
            for count in stride(from: 1_000, to: big.count, by: 37_777) {
                let client = try RawClient(path: TestFastCGI.path())
                async let sending: Void = client.send(Array(big.prefix(count)))
                _ = try await client.reply { !$0.output.isEmpty }
                client.shutDown()
                try await sending
            }
            #expect(try await TestFastCGI.call(.request("GET", "/hello")).body == "hello")
        }
    }

    @Test("no mutation of a request stops the server")
    func fuzz() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("fuzz seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var inputs: [[UInt8]] = []
        for _ in 0..<400 {
            var bytes = RecordEncoder.request(
                "POST",
                "/echo",
                fields: [("HTTP_A", "b"), ("CONTENT_LENGTH", "40")],
                body: [UInt8](repeating: 9, count: 40)
            ).bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) { Self.mutate(&bytes, &random) }
            inputs.append(bytes)
        }
        try await TestFastCGI.serve(Self.routes) { [inputs] _ in
            for bytes in inputs {
                let client = try RawClient(path: TestFastCGI.path())
                try await client.send(bytes)
                client.shutDown(SHUT_WR)
                _ = try await client.reply()
            }
            #expect(try await TestFastCGI.call(.request("GET", "/hello")).body == "hello", "seed \(seed)")
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
        guard place < bytes.count else { return }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(place..<min(place + 9, bytes.count))
        case 3: bytes.insert(contentsOf: bytes.prefix(place), at: place)
        default: bytes.removeLast(bytes.count - place)
        }
    }
}
