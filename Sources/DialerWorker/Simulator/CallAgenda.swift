import Contracts

/// What is to happen when on the simulated calls: a binary heap, earliest first, in the order of entry within one
/// moment.
struct CallAgenda: Sendable {
    struct Entry: Sendable {
        /// Microseconds of the caller's clock.
        var due: Int64
        var attempt: ID
        /// Which of the timers that flows have; 0 for the call's own next step.
        var timer: UInt64 = 0
        var order: UInt64 = 0

        fileprivate func comes(before other: Entry) -> Bool {
            due == other.due ? order < other.order : due < other.due
        }
    }

    private var heap: [Entry] = []
    private var entered: UInt64 = 0

    /// When the next thing happens; nil when nothing is left.
    var nextDue: Int64? { heap.first?.due }

    mutating func add(_ attempt: ID, due: Int64, timer: UInt64 = 0) {
        entered += 1
        heap.append(Entry(due: due, attempt: attempt, timer: timer, order: entered))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].comes(before: heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first entry that is due at `now`.
    mutating func takeDue(at now: Int64) -> Entry? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return first
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < heap.count && heap[child].comes(before: heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
