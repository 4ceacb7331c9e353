import EventLog
import GRDB
import Glibc
import TestSupport
import Testing

/// A reader keeps the pages of its moment alive; the writer must neither wait for it nor be harmed by it.
@Suite(.timeLimit(.minutes(5))) struct LongReaderTests {
    let scratch = Scratch()

    private func walSize() -> Int64 {
        var status = stat()
        return stat(scratch.log + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    }

    private func append(_ log: EventLogFile, _ count: Int, from first: Int) throws -> Double {
        let time = try ContinuousClock().measure {
            for batch in stride(from: first, to: first + count, by: 500) {
                try log.fill("note-\(batch / 500 % 50)", from: UInt64(batch), count: 500)
            }
        }
        return Double(count) / (Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18)
    }

    @Test func aLongReadCostsSpaceAndNoSpeed() throws {
        let count = isDeep ? 200_000 : 40_000
        let log = try EventLogFile.open(path: scratch.log)
        let free = try append(log, count, from: 0)
        #expect(walSize() < 40 << 20)
        #expect(log.pendingBytes < 20 << 20)
        let queue = try DatabaseQueue(path: scratch.log, configuration: readOnly)
        try queue.read { db throws in
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM event") == count)
            let held = try append(log, count, from: count)
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM event") == count)
            print(
                "event log: \(Int(free)) events/s, \(Int(held)) beside a long read that grew the WAL to "
                    + "\(walSize() >> 20) MiB"
            )
            #expect(held > free / 5)
            // What the reader holds is known to the writer, and part of its low-water mark.
            #expect(log.pendingBytes > walSize() / 2)
        }
        // The reader is gone: the next checkpoint copies all, and the file is cut though the writer never rests.
        let large = walSize()
        _ = try append(log, 30_000, from: 2 * count)
        #expect(walSize() < max(large, 40 << 20))
        #expect(log.pendingBytes < 20 << 20)
        try log.maintain(isIdle: true)
        #expect(walSize() < 40 << 20)
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
    }

    /// Short reads that always overlap: there is no moment without a reader.
    @Test func overlappingReadersDoNotKeepTheWALGrowing() async throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill("note-0", from: 1_000_000, count: 500)
        let reader = try LogReader(path: scratch.log)
        let isOver = Shared(false)
        for _ in 0..<4 {
            Task.detached {
                while !isOver.current {
                    _ = try? reader.read { try Int.fetchOne($0, sql: "SELECT sum(length(data)) FROM event LIMIT 2000") }
                    await Task.yield()
                }
            }
        }
        var largest: Int64 = 0
        for batch in 1..<(isDeep ? 160 : 60) {
            try log.fill("note-\(batch)", from: UInt64(batch * 500), count: 500)
            largest = max(largest, walSize())
        }
        isOver.with { $0 = true }
        print("event log: the WAL grew to \(largest >> 20) MiB beside overlapping readers")
        #expect(largest < 200 << 20)
        try log.close()
    }

    private var readOnly: Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        return configuration
    }
}
