import Base
import HTTPTransport
import Testing

struct HTTPEndpointTests {
    @Test(
        "a server URL is accepted, without the slash at its end",
        arguments: [
            ("http://host", "http://host"), ("https://host:8443/", "https://host:8443"),
            ("http://[::1]:80", "http://[::1]:80"), ("http://host/prefix//", "http://host/prefix"),
            ("unix:/run/a b.sock", "unix:/run/a b.sock"),
        ]
    )
    func acceptsServers(text: String, description: String) throws {
        #expect(try HTTPEndpoint.url(text).description == description)
    }

    @Test(
        "a URL that is no server's is refused",
        arguments: [
            "", "host", "/path", "ftp://host", "file:///etc/passwd", "http://", "http:///path", "http://host?query",
            "http://host/#fragment", "http://ho st", "http://host/ä", "http://host:99999", "http://host\r\nX: y",
            "unix:", "unix:relative", "unix:/a\0b", "http://:80",
        ]
    )
    func refusesOthers(text: String) {
        #expect(throws: Failure.self) { try HTTPEndpoint.url(text) }
    }

    @Test(
        "a URL with credentials is refused without repeating them",
        arguments: ["http://user:secret@host", "https://secret@host", "ftp://user:secret@host"]
    )
    func hidesCredentials(text: String) {
        let failure = #expect(throws: Failure.self) { try HTTPEndpoint.url(text) }
        #expect(failure?.description.contains("secret") == false)
    }

    @Test("the same server is the same endpoint")
    func comparesByServer() throws {
        #expect(try HTTPEndpoint.url("unix:/run/x") == .unix("/run/x"))
        #expect(try HTTPEndpoint.url("http://host/") == .url("http://host"))
        #expect(HTTPEndpoint.unix("/run/x") != .unix("/run/y"))
    }
}
