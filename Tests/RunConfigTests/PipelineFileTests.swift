import Base
import Model
import RunConfig
import StrictYAML
import Testing

@Suite("A pipeline file is read strictly", .timeLimit(.minutes(5)))
struct PipelineFileTests {
    @Test("the files are looked up in one order, Martlet's before Agola's")
    func candidates() {
        #expect(
            ConfigFile.candidates.map(\.path) == [
                ".martlet/config.star", ".martlet/config.jsonnet", ".martlet/config.json", ".martlet/config.yml",
                ".martlet/config.yaml", ".agola/config.star", ".agola/config.jsonnet", ".agola/config.json",
                ".agola/config.yml", ".agola/config.yaml",
            ]
        )
        #expect(ConfigFile(path: "config.yml") == nil)
    }

    @Test(
        "a file in a language that is not supported yet says so",
        arguments: [".martlet/config.star", ".agola/config.jsonnet"]
    )
    func unsupportedLanguage(path: String) {
        let (document, diagnostics) = PipelineFile.parse(Array("def main(ctx): pass".utf8), file: file(path))
        #expect(document == nil)
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.description.hasPrefix("\(path): pipelines in ") == true)
        #expect(
            diagnostics.first?.message.contains("are not supported yet; write \(path.prefix { $0 != "/" })/config.yml")
                == true
        )
    }

    @Test("JSON says the same as YAML")
    func json() throws {
        let json = """
            {"runs": [{"name": "r", "tasks": [{"name": "t", "runtime": {"containers": [{"image": "i"}]},
            \t"steps": [{"clone": {"depth": 1}}, {"type": "run", "command": "make", "tty": false}]}]}]}
            """
        let yaml = task("steps: [{clone: {depth: 1}}, {type: run, command: make, tty: no}]")
        #expect(try graphs(json, in: file(".martlet/config.json"))[0].tasks == graphs(yaml)[0].tasks)
    }

    @Test(
        "a scalar becomes text only where the specification says so",
        arguments: [
            (task("user: 1000", "shell: 12"), []),
            (
                task("environment: {PORT: 8080}"),
                ["6:29: expected text for \"PORT\", found the number 8080; put it in quotes"]
            ),
            (task("steps: [{run: 12}]"), ["6:23: expected text for \"run\", found the number 12; put it in quotes"]),
            (task("when: {branch: 1}"), ["6:24: expected text for \"branch\", found the number 1; put it in quotes"]),
            (task("depends: [1]"), ["6:19: expected text for \"depends[0]\", found the number 1; put it in quotes"]),
        ]
    )
    func coercion(text: String, expected: [String]) {
        #expect(problems(text) == expected)
    }

    @Test("timeouts are inherited from the run and the file, and zero lifts them")
    func timeouts() throws {
        let text = """
            task_timeout_interval: 1h
            runs:
              - name: a
                tasks:
                  - {name: one, runtime: {containers: [{image: i}]}}
              - name: b
                task_timeout_interval: 60000000000
                tasks:
                  - {name: two, runtime: {containers: [{image: i}]}}
                  - {name: three, runtime: {containers: [{image: i}]}, task_timeout_interval: 1m30s}
                  - {name: four, runtime: {containers: [{image: i}]}, task_timeout_interval: 0s}
            """
        let timeouts = try graphs(text).flatMap { graph in
            graph.tasks.values.sorted { $0.id.text < $1.id.text }.map(\.timeout?.duration)
        }
        #expect(timeouts == [.seconds(3600), .seconds(60), .seconds(90), nil])
    }

    @Test("defaults are those of the specification")
    func defaults() throws {
        let graph = try #require(try graphs(task("steps: [run: make test]")).first)
        let built = try #require(graph.tasks.values.first)
        #expect(built.shell == "/bin/sh -e")
        #expect(built.workingDirectory == "~/project")
        #expect(built.timeout == nil && !built.skip && !built.needsApproval && !built.ignoreFailure)
        #expect(built.steps == [.run(RunStep(name: "make test", command: "make test", tty: true))])
    }

    @Test("a step without a name is called after the first 100 bytes of its command, whole characters only")
    func defaultName() throws {
        let command = String(repeating: "ü", count: 49) + "abc🐦"
        let graph = try #require(try graphs(task("steps: [{run: \"\(command)\"}]")).first)
        #expect(graph.tasks.values.first?.steps.first?.name == String(repeating: "ü", count: 49) + "ab")
    }

    @Test("names have at most 100 bytes and are unique")
    func names() {
        let long = String(repeating: "é", count: 50)
        #expect(problems("runs: [{name: \(long)}]") == [])
        #expect(problems("runs: [{name: \(long)x}]") == ["1:15: a name has at most 100 bytes; this one has 101"])
        #expect(
            problems("runs: [{name: a}, {name: b}, {name: a}]") == [
                "1:37: duplicate run name \"a\"; it is already used at line 1, column 15"
            ]
        )
    }

    @Test("in .agola/ unknown keys are warnings, and keys may differ by case as in Agola")
    func agolaIsLenient() {
        let text =
            "Runs:\n  - name: r\n    extra: 1\n    tasks:\n      - {name: t, runtime: {containers: [{image: i, auth: {}}]}}\n"
        #expect(
            problems(text, in: agola) == [
                "1:1: warning: the key \"Runs\" is taken as \"runs\"; write it so",
                "3:5: warning: unknown key \"extra\"",
                "5:53: warning: unknown key \"auth\"",
            ]
        )
        #expect(
            problems(text).first == "1:1: the key \"runs\" is missing"
        )
    }

    @Test("in .agola/ a step's condition and a value without a variable are warnings, as Agola ignores them")
    func agolaIgnores() {
        let text = task("environment: {A: {}}", "steps: [{type: run, command: x, when: {branch: main}}]")
        #expect(
            problems(text, in: agola) == [
                "6:26: warning: without \"from_variable\" the value is empty",
                "7:47: warning: a step cannot have a condition; put \"when\" on the task. It is ignored, as Agola does",
            ]
        )
    }

    @Test("a run may have no tasks")
    func noTasks() throws {
        #expect(try graphs("runs: [{name: r, tasks: []}, {name: s}]").map(\.tasks.count) == [0, 0])
    }

    @Test("at most 2,000 tasks are taken")
    func tooManyTasks() {
        let tasks = (0...2000).map { "{name: t\($0), runtime: {containers: [{image: i}]}}" }.joined(separator: ",\n")
        #expect(problems("runs: [{name: r, tasks: [\n\(tasks)]}]") == ["2002:1: a run has at most 2000 tasks"])
    }

    @Test("a file beyond 1 MiB is refused")
    func tooBig() {
        #expect(
            problems("#" + String(repeating: "x", count: 1 << 20)) == [
                "1:1: the document has 1048577 bytes; at most 1048576 are allowed"
            ]
        )
    }
}
