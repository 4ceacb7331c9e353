import Foundation

/// The report for people, at most 100 columns wide.
struct ReportTable {
    private static let width = 100
    private static let columns = [40, 10, 10, 10, 7, 15]

    var machine: Machine
    var results: [BenchResult]

    var text: String {
        var lines = machine.lines + [""]
        lines.append(ReportTable.row(["benchmark", "unit", "ours", "floor", "ratio", "min..max"]))
        lines.append(String(repeating: "-", count: ReportTable.width))
        var lastNote = ""
        for result in results {
            lines.append(ReportTable.row(cells(result)))
            // Neighbours often share a note; it is said after the first of them.
            if result.note != lastNote { lines += ReportTable.wrapped(result.note) }
            lastNote = result.note
        }
        lines.append("")
        lines.append("Medians; ratio and spread are of the pairs. Without a floor the spread is of the figure itself.")
        return lines.joined(separator: "\n") + "\n"
    }

    private func cells(_ result: BenchResult) -> [String] {
        let spread = result.ratio ?? result.ours
        let isRatio = result.ratio != nil
        func number(_ value: Double) -> String {
            isRatio ? String(format: "%.2f", value) : ReportTable.number(value)
        }
        return [
            result.name, result.unit, ReportTable.number(result.ours.median),
            result.floor.map { ReportTable.number($0.median) } ?? "-",
            result.ratio.map { String(format: "%.2f", $0.median) } ?? "-",
            spread.min == spread.max ? "-" : "\(number(spread.min))..\(number(spread.max))",
        ]
    }

    /// Four significant digits are more than these measurements have.
    private static func number(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0"
        case ..<1: String(format: "%.3f", value)
        case ..<100: String(format: "%.2f", value)
        default: String(format: "%.0f", value)
        }
    }

    /// The first column is aligned to the left, and the others to the right.
    private static func row(_ cells: [String]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let gap = String(repeating: " ", count: max(0, columns[index] - cell.count))
            line += index < 2 ? (index == 0 ? cell + gap : " " + cell + gap) : " " + gap + cell
        }
        return line
    }

    private static func wrapped(_ note: String) -> [String] {
        var lines: [String] = []
        for word in note.split(separator: " ") {
            if let last = lines.last, last.count + word.count < width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append("    \(word)")
            }
        }
        return lines
    }
}
