import FoundationEssentials

/// Random numbers that a printed seed repeats (SplitMix64; Steele, Lea and Flood 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Begins the sequence of a seed.
    package init(seed: UInt64) {
        state = seed
    }

    /// Begins a sequence of its own, and prints its seed.
    package static func announced() -> Self {
        let seed = self.seed
        print("seed \(seed)")
        return Self(seed: seed)
    }

    /// The seed in `MARTLET_TEST_SEED`, to repeat a failure, or a new one.
    package static var seed: UInt64 {
        ProcessInfo.processInfo.environment["MARTLET_TEST_SEED"].flatMap(UInt64.init) ?? .random(in: 0 ... .max)
    }

    /// The next number.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
