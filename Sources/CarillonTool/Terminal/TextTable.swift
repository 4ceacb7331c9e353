/// Rows of texts in aligned columns.
struct TextTable: Hashable {
    struct Column: Hashable {
        /// Stands above it; a table without titles has no header.
        var title: String
        /// Aligned at the right, as numbers are.
        var isRight = false
        /// Never cut.
        var isWhole = false
    }

    var columns: [Column]
    var rows: [[String]]

    private static let gap = "  "
    /// A column is not cut below this.
    private static let narrowest = 8

    /// The lines, each no wider than `width` as far as cutting the columns that may be cut can do that; nil cuts nothing.
    func text(width: Int?, hasColor: Bool) -> String {
        let titles = columns.map(\.title)
        let hasHeader = titles.contains { !$0.isEmpty }
        let lines = (hasHeader ? [titles] : []) + rows
        var widths = columns.indices.map { index in lines.map { $0[index].count }.max() ?? 0 }
        if let width { fit(&widths, into: width) }
        return lines.enumerated().map { number, cells in
            let line = self.line(cells, widths)
            return (hasHeader && number == 0 ? Style.bold.apply(line, hasColor) : line) + "\n"
        }.joined()
    }

    /// Takes from the widest column that may be cut, until all fit.
    private func fit(_ widths: inout [Int], into width: Int) {
        let gaps = TextTable.gap.count * max(0, columns.count - 1)
        while widths.reduce(gaps, +) > width {
            let cuttable = columns.indices.filter { !columns[$0].isWhole && widths[$0] > TextTable.narrowest }
            guard let widest = cuttable.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
        }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = columns.indices.map { index in
            let cell = TextTable.cut(cells[index], to: widths[index])
            let space = String(repeating: " ", count: widths[index] - cell.count)
            return columns[index].isRight ? space + cell : cell + space
        }
        var line = padded.joined(separator: TextTable.gap)
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    private static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
    }
}
