import Model

/// A pipeline whose every log is known beforehand: two tasks, the second after the first, printing numbered lines.
package struct NumbersPipeline: Sendable {
    /// A step: what it prints, and how long it takes.
    package struct Step: Sendable {
        package let lines: Int
        /// The step sleeps for 50 ms after so many lines; nil prints all at once.
        package let pauseAfter: Int?
    }

    /// The steps of each task by its name.
    package static let tasks: [(name: String, depends: String?, steps: [Step])] = [
        ("count", nil, [Step(lines: 60, pauseAfter: 10), Step(lines: 30, pauseAfter: 10)]),
        ("sum", "count", [Step(lines: 2_000, pauseAfter: nil)]),
    ]

    /// A file to which each step appends a line when it begins; tasks in a sandbox cannot reach one.
    let evidence: String?

    /// Makes the pipeline.
    package init(evidence: String?) {
        self.evidence = evidence
    }

    /// What a step prints.
    package static func log(run: Int64, task: String, step: Int) -> [UInt8] {
        let lines = tasks.first { $0.name == task }?.steps[step].lines ?? 0
        return (1...lines).flatMap { Array("run \(run) \(task) \(step) line \($0)\n".utf8) }
    }

    /// The pipeline file.
    package var text: String {
        "runs:\n  - name: numbers\n    tasks:\n" + Self.tasks.map(text(of:)).joined()
    }

    private func text(of task: (name: String, depends: String?, steps: [Step])) -> String {
        let steps = task.steps.enumerated().map { index, step in
            """
                      - run:
                          name: step \(index)
                          tty: false
                          command: |
            \(command(task.name, index, step).map { "                \($0)\n" }.joined())
            """
        }
        let depends = task.depends.map { "        depends: [\($0)]\n" } ?? ""
        return """
                  - name: \(task.name)
            \(depends)        runtime:
                      containers:
                        - image: host
                    steps:
            \(steps.joined())
            """
    }

    private func command(_ task: String, _ index: Int, _ step: Step) -> [String] {
        let note = evidence.map { ["echo \"$MARTLET_RUN_COUNTER \(task) \(index)\" >> \($0)"] } ?? []
        let pause = step.pauseAfter.map { ["  if [ $((i % \($0))) -eq 0 ]; then sleep 0.05; fi"] } ?? []
        return note + ["i=1", "while [ $i -le \(step.lines) ]; do"]
            + ["  echo \"run $MARTLET_RUN_COUNTER \(task) \(index) line $i\""] + pause + ["  i=$((i + 1))", "done"]
    }
}
