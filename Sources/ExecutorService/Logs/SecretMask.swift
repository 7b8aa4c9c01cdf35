import Base

/// Finds secrets in a stream of bytes: an Aho–Corasick automaton over all forms of all secrets.
///
/// Built once per task and shared by its logs; ``SecretMaskStream`` holds the state of one log. Source: A. Aho and
/// M. Corasick, "Efficient string matching: an aid to bibliographic search", CACM 18 (1975). Nodes keep their children in
/// lists, because a private key in all its forms has tens of thousands of nodes with mostly one child.
struct SecretMask: Sendable {
    struct Node {
        var byte: UInt8
        var firstChild: Int32 = 0
        var sibling: Int32 = 0
        /// The node for the longest proper suffix that is a prefix of some pattern.
        var failure: Int32 = 0
        /// The length of the prefix that the node stands for.
        var depth: Int32
        /// The length of the longest pattern that ends here; 0 for none.
        var matched: Int32 = 0
    }

    /// Stands for a secret in a log.
    static let replacement = Array("***".utf8)

    let nodes: [Node]
    /// The children of the root by byte.
    let roots: [Int32]
    /// Which pairs of bytes begin a pattern, one bit each: nearly all of a log is passed over by this table alone.
    let pairs: [UInt64]

    /// Builds the automaton for these secrets.
    init(_ secrets: [SecretValue]) {
        self.init(patterns: SecretForms.patterns(of: secrets))
    }

    /// Builds the automaton for these byte strings; each must hold two bytes at least.
    init(patterns: Set<[UInt8]>) {
        var builder = Builder()
        for pattern in patterns where pattern.count >= 2 { builder.insert(pattern) }
        builder.link()
        nodes = builder.nodes
        roots = builder.roots
        pairs = builder.pairs
    }

    /// Whether there is nothing to look for.
    var isEmpty: Bool { nodes.count == 1 }

    private struct Builder {
        var nodes = [Node(byte: 0, depth: 0)]
        var roots = [Int32](repeating: 0, count: 256)
        var pairs = [UInt64](repeating: 0, count: 1_024)

        mutating func insert(_ pattern: [UInt8]) {
            var node: Int32 = 0
            for byte in pattern { node = child(of: node, byte) ?? add(byte, below: node) }
            nodes[Int(node)].matched = nodes[Int(node)].depth
            let pair = Int(pattern[0]) << 8 | Int(pattern[1])
            pairs[pair >> 6] |= 1 << UInt64(pair & 63)
        }

        /// Sets the failure links, nearest to the root first.
        mutating func link() {
            var queue = roots.filter { $0 != 0 }
            var next = 0
            while next < queue.count {
                let node = queue[next]
                next += 1
                var child = nodes[Int(node)].firstChild
                while child != 0 {
                    let failure = target(from: nodes[Int(node)].failure, nodes[Int(child)].byte)
                    nodes[Int(child)].failure = failure
                    nodes[Int(child)].matched = max(nodes[Int(child)].matched, nodes[Int(failure)].matched)
                    queue.append(child)
                    child = nodes[Int(child)].sibling
                }
            }
        }

        private func target(from start: Int32, _ byte: UInt8) -> Int32 {
            var node = start
            while true {
                if let child = child(of: node, byte) { return child }
                if node == 0 { return 0 }
                node = nodes[Int(node)].failure
            }
        }

        private func child(of node: Int32, _ byte: UInt8) -> Int32? {
            if node == 0 { return roots[Int(byte)] == 0 ? nil : roots[Int(byte)] }
            var child = nodes[Int(node)].firstChild
            while child != 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
            return child == 0 ? nil : child
        }

        private mutating func add(_ byte: UInt8, below node: Int32) -> Int32 {
            let added = Int32(nodes.count)
            nodes.append(Node(byte: byte, depth: nodes[Int(node)].depth + 1))
            if node == 0 {
                roots[Int(byte)] = added
            } else {
                nodes[Int(added)].sibling = nodes[Int(node)].firstChild
                nodes[Int(node)].firstChild = added
            }
            return added
        }
    }
}
