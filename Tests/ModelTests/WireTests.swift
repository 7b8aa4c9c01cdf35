import Base
import FoundationEssentials
import Model
import Testing

@Suite("On the wire")
struct WireTests {
    @Test("an error is answered with its kind's status, its code and its sentence; the cause stays at home")
    func errorAnswer() throws {
        let cause = Failure("the password is hunter2")
        let error = Failure(
            "top",
            cause: APIError(.notExist, code: "runDoesNotExist", "No run.", details: ["a": "b"], cause: cause)
        )
        let (status, body) = ErrorBody.answer(to: error)
        #expect(status == 404)
        #expect(body == [ErrorBodyElement(code: "runDoesNotExist", message: "No run.", details: ["a": "b"])])
        #expect(!String(decoding: try JSONCoding.encode(body), as: UTF8.self).contains("hunter2"))
    }

    @Test("an error without a specific code carries its kind as code")
    func kindAsCode() {
        #expect(ErrorBody.answer(to: APIError(.forbidden, "No.")).body[0].code == "forbidden")
    }

    @Test("any other error is a generic 500 that says nothing of its cause")
    func generic() {
        let (status, body) = ErrorBody.answer(to: Failure("secret path /x"))
        #expect(status == 500)
        #expect(body.count == 1)
        #expect(!body[0].message.contains("/x"))
    }

    @Test("a remote error is not served again")
    func remoteIsNotServed() {
        let (status, body) = ErrorBody.answer(to: RemoteError(kind: .notExist, code: "runDoesNotExist", message: "No."))
        #expect(status == 500)
        #expect(body[0].code == "internal")
    }

    @Test("what a service answered becomes a remote error, whatever the body", arguments: ErrorKind.allCases)
    func remote(_ kind: ErrorKind) throws {
        let body = try JSONCoding.encode([ErrorBodyElement(code: "c", message: "m", details: ["offset": "3"])])
        let error = ErrorBody.remoteError(status: kind.status, body: Array(body))
        #expect(error.kind == kind)
        #expect(error.code == "c")
        #expect(error.details == ["offset": "3"])
        for garbage in ["", "[]", "{}", "<html>", "[{\"code\":1}]", "\u{0}"] {
            #expect(ErrorBody.remoteError(status: kind.status, body: Array(garbage.utf8)).code == kind.rawValue)
        }
    }

    @Test("a run definition comes back as it went")
    func definition() throws {
        var definition = RunDefinition(id: RunDefinitionID("d"), name: "n", group: "/project/p/branch/b")
        let runtime = TaskRuntime(
            architecture: "arm64",
            containers: [ContainerDefinition(image: "host", environment: ["A": "1"])]
        )
        var task = TaskDefinition(id: TaskID("t"), name: "t", runtime: runtime)
        task.steps = [.run(RunStep(name: "s", command: "true", tty: false))]
        task.depends = [TaskID("other"): [.onFailure, .onSkipped]]
        task.timeout = WireDuration(.seconds(90))
        definition.tasks = [task.id: task]
        definition.secrets = [SecretValue("x")]
        let data = try JSONCoding.encode(definition)
        #expect(try JSONCoding.decode(RunDefinition.self, from: data) == definition)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.contains("\"tasks\":{\"t\":"))
        #expect(text.contains("\"timeout\":90000000000"))
        #expect(text.contains("\"type\":\"run\""))
    }

    @Test("a log is named by setup or a step's number, and by nothing else")
    func selectors() {
        for selector in [LogSelector.setup, .step(0), .step(41)] { #expect(LogSelector("\(selector)") == selector) }
        for text in ["", "-1", "+1", "01", "1.0", "Setup", "../setup", "9999999999999999999999"] {
            #expect(LogSelector(text) == nil)
        }
    }
}
