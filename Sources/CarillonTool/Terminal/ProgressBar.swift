/// One line of progress as text: a bar, a percentage and what else there is to say.
struct ProgressBar: Hashable {
    /// From 0 to 1; nil when the end is not known.
    var fraction: Double?
    var label: String
    var detail: String

    /// The line, never wider than `width`: first the bar shrinks, then the detail is cut.
    func line(width: Int) -> String {
        let percent = fraction.map { ProgressBar.percent($0) } ?? "    "
        let used = label.count + percent.count + detail.count + 6
        let cells = min(40, max(0, width - used))
        var text = label.isEmpty ? "" : label + " "
        if cells >= 5 { text += "[" + bar(cells) + "] " }
        text += percent
        if !detail.isEmpty { text += "  " + detail }
        return String(text.prefix(max(1, width - 1)))
    }

    private func bar(_ cells: Int) -> String {
        let filled = Int((min(1, max(0, fraction ?? 0)) * Double(cells)).rounded(.down))
        return String(repeating: "#", count: filled) + String(repeating: ".", count: cells - filled)
    }

    /// Four characters; 100 % is only said of what is complete.
    static func percent(_ fraction: Double) -> String {
        let value = fraction >= 1 ? 100 : min(99, max(0, Int(fraction * 100)))
        let digits = String(value)
        return String(repeating: " ", count: 3 - digits.count) + digits + "%"
    }
}

/// Shows progress: one line that is written over on a terminal, a plain line now and then anywhere else.
struct ProgressView {
    private let isInteractive: Bool
    private var lastPlain: ContinuousClock.Instant?
    private var lastText = ""
    private var isLineOpen = false

    init(isInteractive: Bool = Terminal.isInteractive) { self.isInteractive = isInteractive }

    /// Shows `bar`; plain lines come at most every two seconds unless it `isFinal`, and never twice the same.
    mutating func show(_ bar: ProgressBar, isFinal: Bool = false) {
        if isInteractive {
            Terminal.write("\r\u{1B}[K" + bar.line(width: Terminal.width))
            isLineOpen = true
            if isFinal { close() }
            return
        }
        let now = ContinuousClock.now
        if !isFinal, let lastPlain, now - lastPlain < .seconds(2) { return }
        let percent = bar.fraction.map { ProgressBar.percent($0).drop { $0 == " " } + " " } ?? ""
        let text = "\(bar.label) \(percent)\(bar.detail)"
        guard text != lastText else { return }
        lastPlain = now
        lastText = text
        Terminal.write(text + "\n")
    }

    /// Ends the line that is being written over.
    mutating func close() {
        if isLineOpen { Terminal.write("\n") }
        isLineOpen = false
    }
}
