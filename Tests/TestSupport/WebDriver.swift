import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Testing

/// A headless Chromium, driven by the WebDriver protocol (W3C WebDriver, 2018) through chromedriver.
package struct WebDriver: Sendable {
    private let client: HTTPClient
    private let endpoint: HTTPEndpoint
    private let session: String

    /// Starts chromedriver and a browser, runs `body`, and ends both.
    package static func with<Value: Sendable>(
        width: Int = 1280,
        height: Int = 900,
        _ body: (WebDriver) async throws -> Value
    ) async throws -> Value {
        let port = try TestProcess.freePort()
        let log = "\(TemporaryDirectory.path)/chromedriver.log"
        let home = "\(TemporaryDirectory.path)/browser"
        let outcome = try await TestProcess.with(
            "chromedriver",
            ["--port=\(port)"],
            environment: ["HOME": home],
            log: log
        ) { _ in
            let client = try HTTPClient()
            defer { client.shutdown() }
            let endpoint = try HTTPEndpoint.url("http://127.0.0.1:\(port)")
            let driver = try await start(client, endpoint, width: width, height: height)
            do {
                let value = try await body(driver)
                try await driver.end()
                return value
            } catch {
                try await driver.end()
                throw error
            }
        }
        return outcome.value
    }

    private static func start(
        _ client: HTTPClient,
        _ endpoint: HTTPEndpoint,
        width: Int,
        height: Int
    ) async throws -> WebDriver {
        try await eventually("chromedriver answers") {
            do {
                return try await client.send(HTTPCall(.get, endpoint, "/status")).status == 200
            } catch is HTTPTransportError {
                return false
            }
        }
        let options: [String: JSONText] = [
            "args": .list([
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=\(width),\(height)",
            ])
        ]
        let capabilities = JSONText.object([
            "capabilities": .object([
                "alwaysMatch": .object([
                    "goog:chromeOptions": .object(options),
                    "goog:loggingPrefs": .object(["browser": .text("ALL")]),
                ])
            ])
        ])
        let root = WebDriver(client: client, endpoint: endpoint, session: "")
        let answer = try await root.call(.post, "", capabilities)
        guard let session = answer["sessionId"]?.text else { throw Failure("chromedriver gave no session: \(answer)") }
        return WebDriver(client: client, endpoint: endpoint, session: "/\(session)")
    }

    private func end() async throws {
        _ = try await call(.delete, "")
    }

    /// Opens a page and waits until it is loaded.
    package func open(_ url: String) async throws {
        _ = try await call(.post, "/url", .object(["url": .text(url)]))
    }

    /// Runs a script's body in the page.
    /// - Returns: what it returns, as text.
    @discardableResult
    package func run(_ script: String) async throws -> String {
        let body = JSONText.object(["script": .text(script), "args": .list([] as [String])])
        return try await call(.post, "/execute/sync", body).text ?? ""
    }

    /// Waits until an expression is true in the page.
    package func wait(until expression: String, within limit: Duration = .seconds(20)) async throws {
        let deadline = Deadline.after(limit)
        while !deadline.isPast {
            if try await run("return String(Boolean(\(expression)))") == "true" { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        let page = try await run("return document.body.innerText")
        throw Failure(
            "not within \(limit): \(expression); the page at \(try await run("return location.href")) says:\n\(page)"
        )
    }

    /// Types into the element that a selector names.
    package func type(_ text: String, into selector: String) async throws {
        let element = try await find(selector)
        _ = try await call(.post, "/element/\(element)/value", .object(["text": .text(text)]))
    }

    /// Clicks the element that a selector names.
    package func click(_ selector: String) async throws {
        _ = try await call(.post, "/element/\(try await find(selector))/click", .object([:]))
    }

    /// Writes a picture of the page as PNG.
    package func screenshot(to path: String) async throws {
        guard let text = try await call(.get, "/screenshot").text, let data = Data(base64Encoded: text) else {
            throw Failure("the browser gave no picture")
        }
        try attempt("write \(path)") { try data.write(to: URL(filePath: path)) }
    }

    /// What the page wrote to the console at level error, since the last call.
    package func consoleErrors() async throws -> [String] {
        let entries = try await call(.post, "/se/log", .object(["type": .text("browser")]))
        return entries.list?.filter { $0["level"]?.text == "SEVERE" }.compactMap { $0["message"]?.text } ?? []
    }

    private func find(_ selector: String) async throws -> String {
        let query = JSONText.object(["using": .text("css selector"), "value": .text(selector)])
        let deadline = Deadline.after(.seconds(10))
        while true {
            do {
                let answer = try await call(.post, "/element", query)
                if let element = answer.object?.values.first?.text { return element }
            } catch let error as Failure where !deadline.isPast && error.message.contains("no such element") {}
            if deadline.isPast { throw Failure("the page has no \(selector)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func call(_ method: HTTPRequest.Method, _ path: String, _ body: JSONText? = nil) async throws -> JSONText {
        var request = HTTPCall(method, endpoint, "/session\(session)\(path)", deadline: .after(.seconds(60)))
        if let body { request.body = .bytes(Array(try JSONCoding.encode(body))) }
        let reply = try await client.send(request)
        let bytes = try await reply.collect()
        let answer = try JSONCoding.decode(JSONText.self, from: bytes)["value"] ?? .null
        guard reply.status == 200 else {
            throw Failure("\(answer["error"]?.text ?? "?"): \(answer["message"]?.text ?? "") (\(path))")
        }
        return answer
    }
}

/// Any JSON value.
private enum JSONText: Codable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case array([JSONText])
    case object([String: JSONText])

    static func list(_ texts: [String]) -> JSONText { .array(texts.map(JSONText.text)) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let array = try? container.decode([JSONText].self) {
            self = .array(array)
        } else {
            self = .object(try container.decode([String: JSONText].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let bool): try container.encode(bool)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .array(let array): try container.encode(array)
        case .object(let object): try container.encode(object)
        }
    }

    subscript(key: String) -> JSONText? { object?[key] }

    var object: [String: JSONText]? { if case .object(let object) = self { object } else { nil } }
    var list: [JSONText]? { if case .array(let array) = self { array } else { nil } }
    var text: String? { if case .text(let text) = self { text } else { nil } }
}
