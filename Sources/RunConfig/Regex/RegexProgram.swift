/// A regular expression as a list of instructions for the simulation.
struct RegexProgram: Sendable {
    enum Instruction: Sendable {
        case scalars(RegexClass)
        case assertion(RegexAssertion)
        case fork(Int, Int)
        case jump(Int)
        case match
    }

    /// Beyond it an expression is refused; a match costs at most this per character.
    static let maximumInstructions = 5000
    /// Repetitions of what produces no instruction count too: `((){1000}){1000}` must not cost a million rounds.
    private static let maximumWork = 50_000

    private(set) var instructions: [Instruction] = []
    private var work = 0

    init(_ node: RegexNode) throws(RegexError) {
        try compile(node)
        try emit(.match)
    }

    private mutating func emit(_ instruction: Instruction) throws(RegexError) {
        instructions.append(instruction)
        guard instructions.count <= Self.maximumInstructions else { throw RegexError("the expression is too big") }
    }

    private mutating func compile(_ node: RegexNode) throws(RegexError) {
        work += 1
        guard work <= Self.maximumWork else { throw RegexError("the expression is too big") }
        switch node {
        case .empty: break
        case .scalars(let scalars): try emit(.scalars(scalars))
        case .assertion(let assertion): try emit(.assertion(assertion))
        case .sequence(let nodes):
            for node in nodes { try compile(node) }
        case .alternatives(let nodes): try compile(alternatives: nodes[...])
        case .repeated(let node, let minimum, let maximum):
            for _ in 0..<minimum { try compile(node) }
            if let maximum {
                for _ in minimum..<maximum { try compileOptional(node) }
            } else {
                try compileLoop(node)
            }
        }
    }

    private mutating func compile(alternatives nodes: ArraySlice<RegexNode>) throws(RegexError) {
        var ends: [Int] = []
        for node in nodes.dropLast() {
            let fork = instructions.count
            try emit(.fork(fork + 1, 0))
            try compile(node)
            ends.append(instructions.count)
            try emit(.jump(0))
            instructions[fork] = .fork(fork + 1, instructions.count)
        }
        if let last = nodes.last { try compile(last) }
        for end in ends { instructions[end] = .jump(instructions.count) }
    }

    private mutating func compileOptional(_ node: RegexNode) throws(RegexError) {
        let fork = instructions.count
        try emit(.fork(fork + 1, 0))
        try compile(node)
        instructions[fork] = .fork(fork + 1, instructions.count)
    }

    private mutating func compileLoop(_ node: RegexNode) throws(RegexError) {
        let fork = instructions.count
        try emit(.fork(fork + 1, 0))
        try compile(node)
        try emit(.jump(fork))
        instructions[fork] = .fork(fork + 1, instructions.count)
    }
}

/// Runs a program over a text with a set of states, never going back.
struct RegexSimulation {
    private let program: RegexProgram
    private let text: [Unicode.Scalar]
    private var current: [Int] = []
    private var pending: [Int] = []
    /// The last position at which a state was entered, so that each is visited once per position.
    private var visited: [Int]

    init(program: RegexProgram, text: [Unicode.Scalar]) {
        self.program = program
        self.text = text
        visited = Array(repeating: -1, count: program.instructions.count)
    }

    mutating func run() -> Bool {
        var next: [Int] = []
        for position in 0...text.count {
            // A match may begin anywhere, so the first state joins at every position.
            if enter(next + [0], at: position) { return true }
            guard position < text.count else { break }
            next = current.filter { state in
                guard case .scalars(let scalars) = program.instructions[state] else { return false }
                return scalars.contains(text[position])
            }
            .map { $0 + 1 }
        }
        return false
    }

    /// Follows all that consumes nothing.
    /// - Returns: whether the program matches here.
    private mutating func enter(_ states: [Int], at position: Int) -> Bool {
        current.removeAll(keepingCapacity: true)
        pending = states
        while let state = pending.popLast() {
            guard visited[state] != position else { continue }
            visited[state] = position
            switch program.instructions[state] {
            case .match: return true
            case .jump(let target): pending.append(target)
            case .fork(let first, let second): pending += [first, second]
            case .scalars: current.append(state)
            case .assertion(let assertion):
                let before = position > 0 ? text[position - 1] : nil
                let after = position < text.count ? text[position] : nil
                if assertion.holds(between: before, and: after) { pending.append(state + 1) }
            }
        }
        return false
    }
}
