/// What the writer's thread shares with others.
struct WriterState<Input> {
    /// idle -> running -> stopping -> stopped; idle -> stopping; running, stopping -> failed -> stopped.
    enum Phase {
        case idle
        case running
        case stopping
        case failed
        case stopped

        var takesInputs: Bool { self == .idle || self == .running }
    }

    var phase = Phase.idle
    var inputs = InputQueue<Input>()
    var cursors: [String: Int64] = [:]
    var head: Int64
    var isSpaceLow = false
    var commits: Int64 = 0
    var checkpoints: Int64 = 0
    var pendingBytes: Int64 = 0
    var isWoken = false
    var nextWaiter = 0
    var headWaiters: [Int: HeadWaiter] = [:]
    var stopWaiters: [CheckedContinuation<Void, Never>] = []

    init(head: Int64) { self.head = head }

    /// Removes and returns the waiters that are `ready`.
    mutating func takeWaiters(_ ready: (HeadWaiter) -> Bool) -> [HeadWaiter] {
        guard !headWaiters.isEmpty else { return [] }
        let taken = headWaiters.filter { ready($0.value) }
        for key in taken.keys { headWaiters[key] = nil }
        return Array(taken.values)
    }
}

/// Someone who waits for the head to pass a position.
struct HeadWaiter {
    let after: Int64
    let continuation: CheckedContinuation<Int64, Never>
}

/// What the writer does next.
struct WriterWork<Input> {
    var inputs: [Input]
    /// Nothing comes after this.
    var isLast: Bool
}

/// Inputs in the order they came; taking from the front costs nothing per waiting input.
struct InputQueue<Input> {
    private var items: [Input] = []
    private var start = 0

    var count: Int { items.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(contentsOf inputs: [Input]) { items.append(contentsOf: inputs) }

    /// Removes and returns the first `limit` inputs, or all when there are fewer.
    mutating func take(_ limit: Int) -> [Input] {
        if start == 0, items.count <= limit {
            defer { items = [] }
            return items
        }
        let end = min(start + limit, items.count)
        let taken = Array(items[start..<end])
        start = end
        if start == items.count {
            items = []
            start = 0
        } else if start > items.count / 2 {
            items.removeFirst(start)
            start = 0
        }
        return taken
    }
}
