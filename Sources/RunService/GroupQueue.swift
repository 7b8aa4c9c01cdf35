import Model

/// The runs of one group: they run one after another, in the order they were created.
struct GroupQueue: Sendable {
    private var running: RunID?
    private var queued: [RunID] = []

    var isEmpty: Bool { running == nil && queued.isEmpty }

    /// Takes in a run that was created or loaded.
    mutating func enter(_ run: Run) {
        if run.phase == .running {
            running = run.id
        } else {
            queued.append(run.id)
        }
    }

    /// Takes out a run that has ended.
    mutating func leave(_ run: RunID) {
        if running == run {
            running = nil
        } else {
            queued.removeAll { $0 == run }
        }
    }

    /// The run that starts now, if none is running.
    mutating func startNext() -> RunID? {
        guard running == nil, !queued.isEmpty else { return nil }
        running = queued.removeFirst()
        return running
    }
}
