import FoundationEssentials

/// The figures of one run of the benchmarks: what | measured | peer in the same run | budget | verdict.
struct ResultTable {
    private struct Row {
        let cells: [String]
    }

    private static let titles = ["what", "measured", "peer in the same run", "budget", "verdict"]

    private var notes: [String] = []
    private var rows: [Row] = []

    /// Adds a line above the table.
    mutating func note(_ text: String) {
        notes.append(text)
    }

    /// Adds a row, and shows it at once to whoever waits; `isMet` is nil where there is no budget.
    mutating func add(
        _ what: String,
        _ measured: String,
        peer: String = "",
        budget: String = "",
        isMet: Bool? = nil
    ) {
        let verdict = isMet.map { $0 ? "met" : "MISSED" } ?? ""
        let row = Row(cells: [what, measured, peer, budget, verdict])
        rows.append(row)
        Swift.print("… " + row.cells.filter { !$0.isEmpty }.joined(separator: " · "))
    }

    /// Prints everything with aligned columns.
    func print() {
        let all = [Row(cells: Self.titles)] + rows
        let widths = Self.titles.indices.map { column in all.map { $0.cells[column].count }.max() ?? 0 }
        Swift.print("")
        for note in notes { Swift.print(note) }
        Swift.print("")
        for (index, row) in all.enumerated() {
            let cells = zip(row.cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            Swift.print("| \(cells.joined(separator: " | ")) |")
            guard index == 0 else { continue }
            Swift.print("|\(widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|"))|")
        }
    }
}
