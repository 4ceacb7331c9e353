import Contracts

/// Forgets the messages that can no longer come again, a slice of the inbox at a time.
///
/// A message comes again only while it is not acknowledged: minutes, or as long as a daemon or its broker stands still.
/// What was applied more than 14 days ago is forgotten, and nothing within an hour of the start: a redelivery that
/// waited for this process comes at once. The sweep goes through the inbox in the order of its keys, so it needs no
/// index of its own, reads at most 1000 rows a second and starts once an hour.
struct InboxPruner {
    static let age = Milliseconds.seconds(14 * 86_400)
    static let pause = Milliseconds.seconds(3600)
    static let slice: Int64 = 1000

    private var nextSweep: Timestamp
    /// Where the sweep under way goes on, and what it forgets; nil between sweeps.
    private var sweep: Sweep?

    struct Sweep {
        /// Entries before this position are old enough.
        let horizon: Int64
        var consumer = ""
        var message: [UInt8] = []
    }

    init(startedAt start: Timestamp) { nextSweep = start + InboxPruner.pause }

    func isDue(_ now: Timestamp) -> Bool { sweep != nil || now >= nextSweep }

    /// The sweep to go on with, begun anew when there is none.
    mutating func current(_ now: Timestamp, horizon: () throws -> Int64) rethrows -> Sweep {
        if let sweep { return sweep }
        nextSweep = now + InboxPruner.pause
        return Sweep(horizon: try horizon())
    }

    mutating func goOn(_ next: Sweep?) { sweep = next }
}

extension Turn {
    /// Looks at the next slice of the inbox and forgets what is old enough.
    func pruneInbox(_ pruner: inout InboxPruner) throws {
        var sweep = try pruner.current(now) { try position(recordedBefore: now.minus(InboxPruner.age)) }
        guard sweep.horizon > 0 else { return pruner.goOn(nil) }
        var old: [(consumer: String, message: [UInt8])] = []
        var seen: Int64 = 0
        let slice = statements.inboxSlice
        do {
            defer { slice.reset() }
            slice.bind(sweep.consumer, at: 1)
            slice.bind(blob: sweep.message, at: 2)
            slice.bind(InboxPruner.slice, at: 3)
            while try slice.step() {
                (sweep.consumer, sweep.message) = (slice.text(0), slice.array(1))
                seen += 1
                if slice.integer(2) < sweep.horizon { old.append((sweep.consumer, sweep.message)) }
            }
        }
        for entry in old {
            statements.forget.bind(entry.consumer, at: 1)
            statements.forget.bind(blob: entry.message, at: 2)
            try statements.forget.run()
        }
        pruner.goOn(seen < InboxPruner.slice ? nil : sweep)
    }

    /// The first position that was not recorded before `time`, found by halving: times rise with positions.
    private func position(recordedBefore time: Timestamp) throws -> Int64 {
        var (low, high) = (Int64(0), head)
        while low < high {
            let middle = low + (high - low + 1) / 2
            let statement = statements.timeOfEvent
            defer { statement.reset() }
            statement.bind(middle, at: 1)
            guard try statement.step() else { return 0 }
            if statement.integer(0) < time.microseconds { low = middle } else { high = middle - 1 }
        }
        return low == 0 ? 0 : low + 1
    }
}

extension Timestamp {
    fileprivate func minus(_ span: Milliseconds) -> Timestamp {
        Timestamp(microseconds: microseconds - span.count * 1000)
    }
}
