import Contracts
import DequeModule

/// The web requests of flows that wait: each customer in a line of its own, served in turn.
///
/// With n customers who have some under way or waiting, nobody has more than 1/(n + 1) of the places: whose servers are
/// slow leaves room for whoever comes next.
struct ErrandLines: Sendable {
    /// How many web requests are under way at once.
    static let webLimit = 64
    /// How many wait behind them; what comes on top fails at once.
    static let queueLimit = 10_000

    private struct Line: Sendable {
        var waiting: Deque<FlowErrand> = []
        var running = 0
    }

    private var lines: [ID: Line] = [:]
    /// Customers with something waiting, the next one first.
    private var turns: [ID] = []
    private var waiting = 0
    private var running = 0

    /// False when too many wait already.
    mutating func add(_ errand: FlowErrand) -> Bool {
        guard waiting < ErrandLines.queueLimit else { return false }
        waiting += 1
        if lines[errand.customer]?.waiting.isEmpty ?? true { turns.append(errand.customer) }
        lines[errand.customer, default: Line()].waiting.append(errand)
        return true
    }

    /// The one to begin now, if any may.
    mutating func next() -> FlowErrand? {
        guard running < ErrandLines.webLimit else { return nil }
        let share = max(1, ErrandLines.webLimit / (lines.count + 1))
        guard let turn = turns.firstIndex(where: { (lines[$0]?.running ?? 0) < share }) else { return nil }
        let customer = turns.remove(at: turn)
        guard var line = lines[customer], let errand = line.waiting.popFirst() else { return nil }
        line.running += 1
        lines[customer] = line
        if !line.waiting.isEmpty { turns.append(customer) }
        waiting -= 1
        running += 1
        return errand
    }

    mutating func ended(_ errand: FlowErrand) {
        running -= 1
        lines[errand.customer]?.running -= 1
        if let line = lines[errand.customer], line.running == 0, line.waiting.isEmpty { lines[errand.customer] = nil }
    }
}
