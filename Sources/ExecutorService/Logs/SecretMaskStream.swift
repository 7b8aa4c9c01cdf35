/// Masks one log, however it is cut into chunks: every run of bytes that secrets cover becomes `***`.
///
/// Bytes that may be the beginning of a secret are held back until it is clear.
struct SecretMaskStream: Sendable {
    private struct Span {
        var start: Int
        var end: Int
    }

    private let mask: SecretMask
    private var node: Int32 = 0
    /// Bytes that were taken but may still be masked.
    private var held: [UInt8] = []
    /// The position in the log of the first byte held.
    private var position = 0
    /// The matches in bytes not yet let go, in order and apart.
    private var spans: [Span] = []
    /// The end of the last run that was replaced.
    private var maskedEnd = -1

    /// Starts at the beginning of a log.
    init(_ mask: SecretMask) {
        self.mask = mask
    }

    /// Takes a chunk and appends what is safe to show to `output`.
    mutating func append(_ chunk: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        if mask.isEmpty {
            output.append(contentsOf: chunk)
            return
        }
        let start = position + held.count
        scan(chunk, from: start)
        let safe = start + chunk.count - Int(mask.nodes[Int(node)].depth)
        if held.isEmpty {
            release(chunk, until: safe, to: &output)
            held.append(contentsOf: chunk[(safe - position)...])
        } else {
            held.append(contentsOf: chunk)
            held.withUnsafeBytes { release($0, until: safe, to: &output) }
            held.removeFirst(safe - position)
        }
        position = safe
    }

    /// Appends what is still held: nothing more comes.
    mutating func finish(to output: inout [UInt8]) {
        let end = position + held.count
        held.withUnsafeBytes { release($0, until: end, to: &output) }
        held = []
        position = end
        node = 0
    }

    private mutating func scan(_ chunk: UnsafeRawBufferPointer, from start: Int) {
        var node = node
        var index = 0
        let count = chunk.count
        mask.nodes.withUnsafeBufferPointer { nodes in
            mask.roots.withUnsafeBufferPointer { roots in
                mask.pairs.withUnsafeBufferPointer { pairs in
                    while index < count {
                        if node == 0 {
                            index = Self.nextCandidate(chunk, from: index, pairs)
                            if index == count { break }
                        }
                        node = Self.step(from: node, chunk[index], nodes, roots)
                        index += 1
                        let matched = Int(nodes[Int(node)].matched)
                        if matched > 0 { cover(Span(start: start + index - matched, end: start + index)) }
                    }
                }
            }
        }
        self.node = node
    }

    /// The next byte at which a pattern may begin; the chunk's last byte is always one.
    private static func nextCandidate(
        _ chunk: UnsafeRawBufferPointer,
        from start: Int,
        _ pairs: UnsafeBufferPointer<UInt64>
    ) -> Int {
        var index = start
        let last = chunk.count - 1
        while index < last {
            let pair = Int(chunk[index]) << 8 | Int(chunk[index + 1])
            if pairs[pair >> 6] >> UInt64(pair & 63) & 1 == 1 { return index }
            index += 1
        }
        return index
    }

    private static func step(
        from start: Int32,
        _ byte: UInt8,
        _ nodes: UnsafeBufferPointer<SecretMask.Node>,
        _ roots: UnsafeBufferPointer<Int32>
    ) -> Int32 {
        var node = start
        while node != 0 {
            var child = nodes[Int(node)].firstChild
            while child != 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
            if child != 0 { return child }
            node = nodes[Int(node)].failure
        }
        return roots[Int(byte)]
    }

    private mutating func cover(_ span: Span) {
        var span = span
        while let last = spans.last, last.end >= span.start {
            span.start = min(span.start, last.start)
            spans.removeLast()
        }
        spans.append(span)
    }

    /// Lets go of everything before `end`; `bytes` begin at ``position``.
    private mutating func release(_ bytes: UnsafeRawBufferPointer, until end: Int, to output: inout [UInt8]) {
        var at = position
        var used = 0
        for span in spans {
            guard span.start < end else { break }
            let start = max(span.start, position)
            if at < start { output.append(contentsOf: bytes[(at - position)..<(start - position)]) }
            if span.start > maskedEnd { output.append(contentsOf: SecretMask.replacement) }
            at = min(span.end, end)
            maskedEnd = at
            if span.end > end {
                spans[used].start = end
                break
            }
            used += 1
        }
        spans.removeFirst(used)
        if at < end { output.append(contentsOf: bytes[(at - position)..<(end - position)]) }
    }
}
