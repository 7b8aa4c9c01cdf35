import Base
import HTTPTransport
import HTTPTypes
import Testing

@testable import ObjectStorage

@Suite("What S3 is asked and answers")
struct S3RequestTests {
    @Test("names and queries are encoded once, byte by byte, and the query is sorted")
    func path() {
        let request = S3Request(
            .get,
            "a b/é+~_-.%/☺",
            query: [("uploads", ""), ("prefix", "a/b c"), ("list-type", "2")]
        )
        #expect(
            request.path(after: "/bucket")
                == "/bucket/a%20b/%C3%A9%2B~_-.%25/%E2%98%BA?list-type=2&prefix=a%2Fb%20c&uploads="
        )
        #expect(S3Request(.head, nil).path(after: "/bucket") == "/bucket")
        #expect(S3Request(.head, nil, query: [("x", "")]).path(after: "") == "/?x=")
    }

    @Test("what is sent carries its digests")
    func digests() {
        let request = S3Request(.put, "a", body: Array("hello".utf8))
        #expect(request.headers[.contentMD5] == "XUFAKrxLKna5cZ2REBfFkg==")
        #expect(
            request.headers[.payloadHash] == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        )
        #expect(S3Request(.get, "a").headers[.payloadHash]?.hasPrefix("e3b0c442") == true)
    }

    @Test("a tag is a digest only where it is one")
    func tags() {
        func digest(_ tag: String, _ encryption: String? = nil) -> String? {
            var headers: HTTPFields = [.eTag: tag]
            headers[.encryption] = encryption
            return S3Answer(status: 200, headers: headers, body: []).digest
        }
        let digits = "5D41402ABC4B2A76B9719D911017C592"
        #expect(digest("\"\(digits)\"") == digits.lowercased())
        #expect(digest("\"\(digits)\"", "AES256") == digits.lowercased())
        #expect(digest("\"\(digits)\"", "aws:kms") == nil)
        #expect(digest("\"\(digits)-3\"") == nil)
        #expect(digest("") == nil)
    }

    @Test("of an error only code and words are kept, bounded and printable; a web page has none")
    func refusals() {
        func refusal(_ body: String) -> (code: String, message: String) {
            S3Answer(status: 400, headers: [:], body: Array(body.utf8)).refusal
        }
        let whole = refusal(
            "<Error><Code>No</Code><Message>a\nb\u{202E}</Message><AWSAccessKeyId>key</AWSAccessKeyId></Error>"
        )
        #expect(whole.code == "No")
        #expect(whole.message == "a b ")
        #expect(
            refusal("<Error><Message>\(String(repeating: "x", count: 9_999))</Message></Error>").message.count == 200
        )
        #expect(refusal("<html><p>Bad gateway</html>").code.isEmpty)
        #expect(refusal("<Other><Code>No</Code></Other>").code.isEmpty)
    }

    @Test("times of heads are read, and nothing else is taken for one")
    func times() {
        #expect(S3Answer.seconds("Sun, 29 Nov 2026 20:46:36 GMT") == 1_795_985_196)
        for text in [
            "", "29 Nov 2026", "Sun, 29 Foo 2026 20:46:36 GMT", "Sun, 29 Nov 2026 20:46:36 CET", "a b c d e GMT",
        ] {
            #expect(S3Answer.seconds(text) == nil, "\(text)")
        }
    }

    @Test("pauses grow to a limit")
    func pauses() {
        let limits = S3Limits()
        #expect(limits.pause(before: 1) == .milliseconds(200))
        #expect(limits.pause(before: 3) == .milliseconds(800))
        #expect(limits.pause(before: 1_000) == .seconds(10))
        #expect(limits.objectSize == 10_000 << 23)
    }

    @Test("a place that cannot be a server, a bucket or a key is refused before anything is sent")
    func configurations() async throws {
        let fine = S3Configuration(
            endpoint: "http://127.0.0.1:1",
            bucket: "abc",
            accessKey: "a",
            secretAccessKey: SecretValue("b")
        )
        var bad = Array(repeating: fine, count: 7)
        bad[0].endpoint = "unix:/x"
        bad[1].endpoint = "http://a/b"
        bad[2].bucket = "A"
        bad[3].bucket = "a..b"
        bad[4].accessKey = "a\r\nHost: b"
        bad[5].location = "a/b"
        bad[6].secretAccessKey = SecretValue("a\nb")
        for configuration in bad {
            #expect(
                await kind { _ = try await S3Store.open(configuration, client: TestBucket.client.get()) }
                    == .unavailable
            )
        }
        var virtual = fine
        virtual.usesPathStyle = false
        virtual.endpoint = "https://s3.example.org:9000/"
        #expect(try virtual.server().description == "https://abc.s3.example.org:9000")
        #expect(try fine.server().description == "http://127.0.0.1:1")
    }
}
