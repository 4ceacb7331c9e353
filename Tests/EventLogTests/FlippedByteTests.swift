import Contracts
import EventLog
import GRDB
import Glibc
import TestSupport
import Testing

/// One wrong byte anywhere in the file: what a bad disk, a bad cable or a curious person leaves behind.
@Suite struct FlippedByteTests {
    let scratch = Scratch()
    let ids = (1...100).map { ID(high: UInt64($0) << 32, low: 5) }

    /// 300 events of 100 aggregates, and something in every other table.
    private func fill() throws -> DatabasePages {
        let log = try EventLogFile.open(path: scratch.log, schema: tallies.schema)
        for (index, id) in ids.enumerated() {
            try log.turn { turn throws in
                var row = try tallies.record(
                    [.opened(owner: "owner \(index)")],
                    on: id,
                    current: nil,
                    context: context,
                    in: turn
                )
                for amount: Int64 in 1...2 {
                    row = try tallies.record([.added(amount)], on: id, current: row, context: context, in: turn)
                }
                #expect(try turn.admit(id, consumer: "inbox"))
                try turn.armTimer(kind: "kind", key: "\(id)", at: start + 10)
                try turn.setCursor("publisher", turn.head)
            }
        }
        try log.close()
        let roots = try LogReader(path: scratch.log).read { db in
            try Row.fetchAll(db, sql: "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")
                .map { (name: $0["name"] as String, page: $0["rootpage"] as Int) }
        }
        return DatabasePages(path: scratch.log, roots: roots)
    }

    /// What verify or the opening says; empty when nothing is found.
    private func findings(_ projections: [any VerifiedProjection] = [tallies]) -> [Violation] {
        do {
            return try LogVerifier.verify(path: scratch.log, projections: projections).violations
        } catch {
            return [Violation(0, "file", "\(error)")]
        }
    }

    /// Every value of every table, as text.
    private func dump() -> String {
        let file = scratch.path + "/dump"
        run("sh", "-c", "sqlite3 -readonly '\(scratch.log)' .dump > '\(file)' 2>&1")
        return contents(file)
    }

    private func write(_ byte: UInt8, at offset: Int) {
        let descriptor = open(scratch.log, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var byte = byte
        #expect(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
    }

    /// Flips the byte and says what was found.
    private func flip(_ pages: DatabasePages, _ offset: Int, _ mask: UInt8, _ body: () throws -> Void) rethrows {
        write(pages.bytes[offset] ^ mask, at: offset)
        defer { write(pages.bytes[offset], at: offset) }
        try body()
    }

    @Test func aByteOfAnEventIsAlwaysFound() throws {
        let pages = try fill()
        #expect(pages.events.count == 300)
        #expect(findings() == [])
        let whole = dump()
        var (flips, meaningless) = (0, 0)
        for position: Int64 in isDeep ? [1, 2, 77, 150, 299, 300] : [1, 150] {
            let cell = try #require(pages.events[position])
            for offset in stride(from: cell.lowerBound, to: cell.upperBound, by: isDeep ? 1 : 3) {
                flip(pages, offset, [0x01, 0x08, 0x80, 0xFF][offset % 4]) {
                    flips += 1
                    let found = findings()
                    if found.isEmpty, dump() == whole {
                        // A part of the row's header that SQLite does not look at: nobody can read another value.
                        meaningless += 1
                    } else if !found.contains(where: { $0.position == position }) {
                        Issue.record("byte \(offset - cell.lowerBound) of event \(position): \(found.prefix(3))")
                    }
                }
            }
        }
        print(
            "event log: \(flips) flips in rows of events, all found at their position, \(meaningless) without meaning"
        )
        #expect(meaningless <= flips / 50)
    }

    @Test func aByteAnywhereIsFoundOrMeansNothing() throws {
        let pages = try fill()
        let whole = dump()
        // These follow from no event; only their form can be checked.
        let unprotected: Set = ["inbox", "timer", "timer_due", "cursor", "sqlite_autoindex_cursor_1", "meta"]
        var (flips, found, harmless) = (0, 0, 0)
        var unseen: [String: Int] = [:]
        for offset in stride(from: 0, to: pages.bytes.count, by: isDeep ? 37 : 601) {
            flip(pages, offset, [0xFF, 0x01, 0x10][offset % 3]) {
                flips += 1
                if !findings().isEmpty {
                    found += 1
                } else if dump() == whole {
                    harmless += 1
                } else {
                    unseen[pages.owners[offset / DatabasePages.size + 1] ?? "free", default: 0] += 1
                }
            }
        }
        print(
            "event log: \(flips) flips over \(pages.pageCount) pages: \(found) found, \(harmless) harmless, "
                + "not seen: \(unseen)"
        )
        #expect(Set(unseen.keys).isSubset(of: unprotected))
    }

    @Test(arguments: [1, 4096, 40_960, 120_000])
    func aCutFileIsFound(_ bytes: Int) throws {
        let pages = try fill()
        #expect(truncate(scratch.log, pages.bytes.count - bytes) == 0)
        #expect(!findings().isEmpty)
        // The opening looks at the last events only.
        if bytes > 100_000 { #expect(throws: (any Error).self) { try EventLogFile.open(path: scratch.log) } }
    }

    @Test func aSwappedPairIsFound() throws {
        _ = try fill()
        try scratch.edit(
            scratch.log,
            """
            UPDATE event SET position = -1 WHERE position = 100;
            UPDATE event SET position = 100 WHERE position = 103;
            UPDATE event SET position = 103 WHERE position = -1
            """
        )
        let found = findings().filter { $0.kind == "chain" }.map(\.position)
        #expect(found.contains(100) && found.contains(103))
    }

    @Test func aMissingMiddleIsFound() throws {
        _ = try fill()
        try scratch.edit(scratch.log, "DELETE FROM event WHERE position BETWEEN 101 AND 150")
        let found = findings()
        #expect(found.contains(Violation(101, "position", "50 events are missing from here on")))
        #expect(found.contains { $0.kind == "projection" })
    }

    @Test func dataOfAnErasedEventIsFoundWhenItIsBack() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 10)
        _ = try log.turn { try $0.eraseData(of: "note-1") }
        try log.close()
        try scratch.edit(
            scratch.log,
            "UPDATE event SET data = CAST('{\"n\":3}' AS BLOB), salt = zeroblob(16) WHERE position = 4"
        )
        #expect(findings([]).map { "\($0.position) \($0.kind)" } == ["4 chain"])
        try scratch.edit(scratch.log, "UPDATE event SET salt = NULL WHERE position = 4")
        #expect(findings([]).map { "\($0.position) \($0.kind)" } == ["4 chain"])
    }

    @Test func aMissingIndexEntryIsFound() throws {
        let pages = try fill()
        // The last byte of an entry of event_correlation is the end of a position.
        let page = try #require(pages.owners.first { $0.value == "event_correlation" && isLeaf(pages, $0.key) }?.key)
        let start = (page - 1) * DatabasePages.size
        flip(pages, start + DatabasePages.size - 1, 0x01) {
            #expect(findings().contains { $0.kind == "index" && $0.position > 0 })
        }
    }

    private func isLeaf(_ pages: DatabasePages, _ page: Int) -> Bool {
        pages.bytes[(page - 1) * DatabasePages.size] == 10
    }
}
