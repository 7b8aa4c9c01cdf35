public import Base

/// A request to create a run, or to restart one.
public enum RunCreation: Codable, Sendable, Equatable {
    /// A new run; the service gives it identity and number.
    case new(RunDefinition)
    /// A copy of an ended run.
    /// - `fromStart`: all tasks again, or only those that did not succeed and what depends on them.
    /// - `environment`: variables that replace those of the copied run, such as a fresh clone token.
    case restart(run: RunID, fromStart: Bool, environment: [String: String], secrets: [SecretValue])
}

/// A run with what it is made of.
public struct RunWithDefinition: Codable, Sendable, Equatable {
    /// The run.
    public var run: Run
    /// What it is made of.
    public var definition: RunDefinition

    /// Pairs the two.
    public init(run: Run, definition: RunDefinition) {
        self.run = run
        self.definition = definition
    }
}

/// Which runs of a group to list.
public struct RunQuery: Sendable, Equatable {
    /// The group; runs of it and of everything below it are listed.
    public var group: String
    /// Only runs beyond this number, exclusive.
    public var start: Int64?
    /// The most runs to list; 0 for all.
    public var limit: Int
    /// Whether the oldest come first.
    public var ascending: Bool
    /// Only runs in these phases; empty for all.
    public var phases: [String]
    /// Only runs with these results; empty for all.
    public var results: [String]

    /// Makes a query.
    public init(
        group: String,
        start: Int64? = nil,
        limit: Int = 30,
        ascending: Bool = false,
        phases: [String] = [],
        results: [String] = []
    ) {
        self.group = group
        self.start = start
        self.limit = limit
        self.ascending = ascending
        self.phases = phases
        self.results = results
    }
}

/// What somebody does to a run.
public enum RunAction: String, Codable, Sendable {
    /// Ends a queued run before it starts.
    case cancel
    /// Ends a running run.
    case stop
}
