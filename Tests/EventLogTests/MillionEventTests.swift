import Contracts
import EventLog
import Glibc
import TestSupport
import Testing

/// A large log: how fast it is written, opened, verified and rebuilt, and in how much memory.
@Suite(.deep, .timeLimit(.minutes(30))) struct MillionEventTests {
    let scratch = Scratch()
    private let events = 1_000_000

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let time = try ContinuousClock().measure(body)
        return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }

    /// The most memory that this process had since the last call, in MiB.
    private func peak() -> Int {
        let line = contents("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
        run("sh", "-c", "echo 5 > /proc/\(getpid())/clear_refs")
        return (Int(line.filter(\.isNumber)) ?? 0) >> 10
    }

    private func say(_ what: String, _ seconds: Double) {
        print("event log: \(events) events \(what) in \(seconds) s, \(Int(Double(events) / seconds)) a second")
    }

    /// A quarter of a million aggregates with four events each, one behind the other as campaigns write them.
    private func fill(_ log: EventLogFile) throws {
        var ids = IDGenerator(seed: 1)
        var rows: [AggregateTable<Tally>.Loaded] = []
        rows.reserveCapacity(events / 4)
        var written = 0
        while written < events {
            let now = start + Milliseconds(Int64(written / 100))
            try log.turn(at: now) { turn throws in
                for _ in 0..<500 {
                    let index = written % (events / 4)
                    let isNew = written < events / 4
                    let event: Tally.Event = isNew ? .opened(owner: "owner \(index % 1000)") : .added(Int64(written))
                    let row = try tallies.record(
                        [event],
                        on: isNew ? ids.next(at: now) : rows[index].id,
                        current: isNew ? nil : rows[index],
                        context: EventContext(correlation: ids.next(at: now), actor: "system"),
                        in: turn
                    )
                    if isNew { rows.append(row) } else { rows[index] = row }
                    written += 1
                }
            }
        }
    }

    @Test func aMillionEvents() throws {
        let log = try EventLogFile.open(path: scratch.log, schema: tallies.schema)
        say("appended", try seconds { try fill(log) })
        // As far from the last mark as can be: so many does the opening have to check.
        for batch in 0..<39 { try log.fill("note-\(batch)", from: UInt64(batch * 500), count: 500) }
        let total = Int64(events) + 19_500
        let copy = scratch.copyLog(to: "copy.db")
        try log.close()

        var killed: EventLogFile?
        let opening = try seconds { killed = try EventLogFile.open(path: copy) }
        print("event log: ready \(opening) s after the end of a process that wrote \(events) events")
        #expect(killed?.head == total)
        #expect(opening < limit(1))
        try killed?.close()

        _ = peak()
        var report = LogReport(file: "")
        let verifying = try seconds {
            report = try LogVerifier.verify(path: scratch.log, projections: [tallies])
        }
        #expect(report.violations == [])
        #expect(report.events == total)
        say("verified", verifying)
        let verified = peak()
        print("event log: at most \(verified) MiB of memory")
        #expect(verified < 300)

        let rebuilding = try seconds {
            report = try LogRebuild.run(
                source: scratch.log,
                into: scratch.path + "/new.db",
                schema: tallies.schema,
                projections: [tallies]
            )
        }
        #expect(report.violations == [])
        say("rebuilt", rebuilding)
        let rebuilt = peak()
        print("event log: at most \(rebuilt) MiB of memory")
        #expect(rebuilt < 300)
        #expect(try LogVerifier.verify(path: scratch.path + "/new.db", projections: [tallies]).violations == [])
    }

    /// Builds for debugging are about five times as slow.
    private func limit(_ seconds: Double) -> Double {
        #if DEBUG
        return seconds * 5
        #else
        return seconds
        #endif
    }
}
