import CFloor
import Contracts
import EventLog
import Foundation

/// Durable appends of events, with equal batches, beside a loop on sqlite3 that inserts the same rows.
struct AppendBench {
    /// The events of one part of a pair.
    private static let batches = [(batch: 1, events: 500), (10, 3000), (100, 15_000), (1000, 25_000)]
    private static let dataSize = 300
    private static let streams = 1000

    private let settings: BenchSettings
    private let data: [UInt8]
    private let ids: [ID]

    init(_ settings: BenchSettings) {
        self.settings = settings
        data = Sample.data(size: AppendBench.dataSize)
        ids = Sample.ids(AppendBench.streams)
    }

    func run() async throws -> [BenchResult] {
        try await run("append rows", note: rowsNote, appendRows) + run("append all", note: allNote, appendAll)
    }

    private var rowsNote: String {
        "event rows of \(AppendBench.dataSize) B, FULL, WAL; ours with SHA-256 of data and chain; floor: the same rows"
            + " through sqlite3, noise for hashes"
    }

    private var allNote: String {
        "each event with its projection's row read and written, an inbox row and a timer; floor: the event rows alone"
    }

    private func run(
        _ name: String,
        note: String,
        _ append: (EventLogFile, _ count: Int, _ batch: Int) throws -> Void
    ) async throws -> [BenchResult] {
        var results: [BenchResult] = []
        for (batch, events) in AppendBench.batches {
            let count = max(batch, settings.amount(events))
            settings.say("\(name), batch \(batch): \(settings.pairs) pairs of 4 times \(count) events")
            let pairs = try await Pair.rates(settings.pairs, ofParts: count) {
                try await ours(count, batch, append)
            } floor: {
                try floor(count, batch)
            }
            results.append(BenchResult("\(name), batch \(batch)", "events/s", pairs, note: note))
        }
        return results
    }

    // MARK: - One part

    private func ours(
        _ count: Int,
        _ batch: Int,
        _ append: (EventLogFile, Int, Int) throws -> Void
    ) async throws -> Double {
        defer { removeLog() }
        let log = try EventLogFile.open(path: path, schema: Sample.table.schema)
        let time = try await seconds { try append(log, count, batch) }
        guard log.head == count, try log.synchronousLevel == 2 else {
            throw BenchFailure("the log has \(log.head) of \(count) events, or does not synchronise")
        }
        try log.close()
        return time
    }

    private func floor(_ count: Int, _ batch: Int) throws -> Double {
        defer { removeLog() }
        // The log makes its own tables, so that both write to the same ones.
        try EventLogFile.open(path: path, schema: Sample.table.schema).close()
        return try Floor.seconds { floor_log_append(path, data, data.count, count, batch, AppendBench.streams) }
    }

    private func appendRows(_ log: EventLogFile, _ count: Int, _ batch: Int) throws {
        let streams = ids.map { AggregateTable<Sample>.stream(of: $0) }
        var ids = IDGenerator(seed: 42)
        for start in stride(from: 0, to: count, by: batch) {
            let now = WallClock.now()
            try log.perform(now: now, ids: &ids) { turn in
                for number in start..<min(start + batch, count) {
                    let event = NewEvent(type: "sample_noted", id: turn.ids.next(at: now), data: data)
                    _ = try turn.append(
                        [event],
                        to: streams[number % streams.count],
                        expecting: .any,
                        context: context(turn)
                    )
                }
            }
        }
    }

    private func appendAll(_ log: EventLogFile, _ count: Int, _ batch: Int) throws {
        try Sample.append(count, batch: batch, to: ids, text: Sample.text(size: AppendBench.dataSize), log: log)
    }

    private var path: String { "\(settings.directory)/append.db" }

    private func removeLog() {
        for suffix in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }
}

/// Ids as a daemon gives them: one for the request, one for the message that caused it.
private func context(_ turn: Turn) -> EventContext {
    EventContext(
        correlation: turn.ids.next(at: turn.now),
        causation: turn.ids.next(at: turn.now),
        actor: "system"
    )
}

extension Sample {
    /// Appends events with everything that a daemon's turn does for one: projection, inbox and timer.
    static func append(_ count: Int, batch: Int, to samples: [ID], text: String, log: EventLogFile) throws {
        var ids = IDGenerator(seed: 42)
        let keys = samples.map(\.description)
        for start in stride(from: 0, to: count, by: batch) {
            let now = WallClock.now()
            try log.perform(now: now, ids: &ids) { turn in
                for number in start..<min(start + batch, count) {
                    let index = number % samples.count
                    let context = context(turn)
                    guard try turn.admit(context.correlation, consumer: "bench") else {
                        throw BenchFailure("message \(context.correlation) came twice")
                    }
                    let current = try Sample.table.load(samples[index], in: turn)
                    _ = try Sample.table.record(
                        [Sample.Event(text: text)],
                        on: samples[index],
                        current: current,
                        context: context,
                        in: turn
                    )
                    let due = Timestamp(microseconds: now.microseconds + 60_000_000)
                    try turn.armTimer(kind: "bench", key: keys[index], at: due)
                }
            }
        }
    }
}
