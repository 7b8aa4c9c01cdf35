import Base
import Model
import RunConfig
import StrictYAML
import TestSupport
import Testing

@Suite("A document becomes the graph of a commit", .timeLimit(.minutes(5)))
struct GraphBuilderTests {
    @Test("the specification's first example becomes one task that clones and greets")
    func exampleA() throws {
        let text = """
            runs:
              - name: greet
                tasks:
                  - name: say hello
                    runtime:
                      containers:
                        - image: alpine/git:2.45.2
                    steps:
                      - clone:
                      - run: echo "hello from $AGOLA_GIT_COMMITSHA"
            """
        let graph = try #require(try graphs(text, in: agola).first)
        let built = try #require(graph.tasks.values.first)
        #expect(graph.name == "greet" && graph.tasks.count == 1 && built.name == "say hello")
        #expect(built.runtime.containers.map(\.image) == ["alpine/git:2.45.2"])
        let names = ["Clone repository and checkout code", #"echo "hello from $AGOLA_GIT_COMMITSHA""#]
        #expect(built.steps.map(\.name) == names)
    }

    @Test("dependencies, conditions, levels and flags arrive in the graph")
    func graph() throws {
        let text = """
            runs:
              - name: release
                when: {branch: main, tag: '/^v[0-9]+/'}
                tasks:
                  - {name: package, runtime: &r {arch: amd64, containers: [{image: a, user: ci, privileged: true}, {image: pg}]}}
                  - name: staging
                    runtime: *r
                    depends: [package]
                    when: {branch: main}
                    user: root
                  - name: production
                    runtime: *r
                    approval: true
                    ignore_failure: true
                    depends: [staging: [on_skipped, on_success]]
                    shell: /bin/bash -eo pipefail
                    working_dir: /src
            """
        let graph = try #require(try graphs(text, context: .tag("v1", commitSHA: "c")).first)
        let tasks = graph.tasks.values.sorted { $0.id.text < $1.id.text }
        #expect(tasks.map(\.level) == [0, 1, 2])
        #expect(tasks.map(\.skip) == [false, true, false])
        #expect(tasks.map(\.user) == ["ci", "root", "ci"])
        #expect(tasks[1].depends == [TaskID("1"): [.onSuccess]])
        #expect(tasks[2].depends == [TaskID("2"): [.onSuccess, .onSkipped]])
        #expect(tasks[2].needsApproval && tasks[2].ignoreFailure && !tasks[1].needsApproval)
        #expect(tasks[2].shell == "/bin/bash -eo pipefail" && tasks[2].workingDirectory == "/src")
        #expect(tasks[0].runtime.architecture == "amd64" && tasks[0].runtime.containers[0].privileged)
        #expect(try graphs(text, context: .branch("other", commitSHA: "c")).isEmpty)
    }

    @Test("variables are resolved everywhere, and only those that are used are secret")
    func variables() throws {
        let text = """
            runs:
              - name: r
                tasks:
                  - name: t
                    runtime: {containers: [{image: i, environment: {A: {from_variable: a}}}]}
                    environment: {B: {from_variable: b}, C: {from_variable: missing}, D: literal}
                    steps:
                      - {type: run, command: x, environment: {E: {from_variable: a}}}
            """
        let graph = try #require(try graphs(text, variables: ["a": "one", "b": "two", "unused": "three"]).first)
        let built = try #require(graph.tasks.values.first)
        #expect(built.runtime.containers[0].environment == ["A": "one"])
        #expect(built.environment == ["B": "two", "C": "", "D": "literal"])
        guard case .run(let step) = built.steps[0] else { throw Failure("no run step") }
        #expect(step.environment == ["E": "one"])
        #expect(graph.usedSecrets.map(\.revealed).sorted() == ["one", "two"])
    }

    @Test("random documents without circles become the graph they were written from")
    func roundTrip() throws {
        let seed = SeededGenerator.seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let count = Int.random(in: 1...12, using: &random)
            var ancestors: [Set<Int>] = []
            var parents: [[Int]] = []
            for index in 0..<count {
                var chosen: [Int] = []
                for other in (0..<index).shuffled(using: &random).prefix(3)
                where !chosen.contains(where: { ancestors[$0].contains(other) || ancestors[other].contains($0) }) {
                    chosen.append(other)
                }
                parents.append(chosen)
                ancestors.append(chosen.reduce(into: Set(chosen)) { $0.formUnion(ancestors[$1]) })
            }
            // Written in any order: a dependency may stand before its task.
            let lines = (0..<count).shuffled(using: &random).map { index in
                "      - {name: t\(index), runtime: {containers: [{image: i}]}, depends: [\(parents[index].map { "t\($0)" }.joined(separator: ", "))]}\n"
            }
            let graph = try #require(
                try graphs("runs:\n  - name: r\n    tasks:\n" + lines.joined()).first,
                "seed \(seed)"
            )
            var levels: [Int] = []
            for index in 0..<count { levels.append((parents[index].map { levels[$0] + 1 }).max() ?? 0) }
            for built in graph.tasks.values {
                let index = try #require(Int(built.name.dropFirst()))
                #expect(
                    Set(built.depends.keys.compactMap { graph.tasks[$0]?.name })
                        == Set(parents[index].map { "t\($0)" }),
                    "seed \(seed)"
                )
                #expect(built.level == levels[index], "seed \(seed)")
            }
        }
    }

    @Test("any bytes are answered, without a crash and in bounded time")
    func anyBytes() throws {
        let seed = SeededGenerator.seed
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "runs:", "\n", "  ", "- ", "name: ", "tasks:", "{", "}", "[", "]", ",", ": ", "&a ", "*a", "<<: ", "when: ",
            "depends: ", "steps:",
            "'", "\"", "\t", "|", ">", "? ", "!t ", "#", "%", "---", "...", "\u{0}", "é", "run: ", "clone:", "/(a|/",
            "1e9", "\\", "runtime: ",
        ].map { Array($0.utf8) }
        for round in 0..<3000 {
            let length = Int.random(in: 0...40, using: &random)
            let bytes: [UInt8] =
                round.isMultiple(of: 3)
                ? (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                : (0..<length).flatMap { _ in pieces.randomElement(using: &random) ?? [] }
            for file in [yaml, agola] {
                let (document, diagnostics) = PipelineFile.parse(bytes, file: file)
                let hasErrors = diagnostics.contains { $0.severity == .error }
                #expect((document == nil) == hasErrors, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
