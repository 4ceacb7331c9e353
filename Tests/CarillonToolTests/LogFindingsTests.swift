import CampaignManager
import Contracts
import DialerWorker
import EventLog
import Foundation
import GRDB
import OutdialManager
import TestSupport
import Testing

@testable import CarillonTool

@Suite struct LogFindingsTests {
    private let world: Installation
    /// The logs of a campaign that is over, closed, for the test to damage.
    private let copy: TemporaryDirectory
    private let targets: [ID]

    init() throws {
        let world = try Installation()
        let outdial = try world.makeOutdial()
        targets = try (0..<6).map { try world.addTarget("+1555\(100 + $0)000\($0 % 2 + 1)", to: outdial) }
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 200_000)
        self.world = world
        copy = try TemporaryDirectory(inMemory: true)
        for log in try world.logs().logs { try world.save(log.name, as: copy.file("\(log.name).db")) }
    }

    private func findings(ledger: String? = nil) throws -> [String: [Violation]] {
        let found = try LogVerification.run(copy.path, ledger: ledger)
        return found.reports.reduce(into: [:]) {
            $0[String($1.file.split(separator: "/").last ?? "").replacing(".db", with: ""), default: []] +=
                $1.violations
        }
    }

    private func edit(_ log: String, _ sql: String) throws {
        try editing(copy.file("\(log).db")) { try $0.execute(sql: sql) }
    }

    /// The positions that `show` can read.
    private func shown(_ log: String) throws -> [Int64] {
        let reader = try LogReader(path: copy.file("\(log).db"))
        var positions: [Int64] = []
        while let event = try? reader.events(after: positions.last ?? 0, limit: 1).first {
            positions.append(event.position)
        }
        return positions
    }

    private func position(_ log: String, _ type: String) throws -> Int64 {
        let reader = try LogReader(path: copy.file("\(log).db"))
        return try #require(try reader.events("WHERE type = ? ORDER BY position LIMIT 1", [type]).first).position
    }

    @Test func soundLogsHaveNoFindings() throws {
        #expect(try findings().values.allSatisfy(\.isEmpty))
    }

    // MARK: - Damage

    @Test func aFlippedByteIsFoundAtItsEvent() async throws {
        let at = try position("outdial-manager", "target_leased")
        try edit(
            "outdial-manager",
            "UPDATE event SET data = CAST(replace(data, '\"run\":1', '\"run\":3') AS BLOB) WHERE position = \(at)"
        )
        let found = try #require(try findings()["outdial-manager"])
        #expect(found.contains(Violation(at, "chain", "the data was changed after it was recorded")))
        #expect(try shown("outdial-manager").prefix(Int(at)) == ArraySlice(1...at))
        #expect(await CarillonProgram.run(["log", "verify", "--data-dir", copy.path]) == 1)
    }

    @Test func aPageThatCannotBeReadIsFoundAndWhatIsBeforeItIsShown() async throws {
        let path = copy.file("outdial-manager.db")
        let root = try #require(
            try LogReader(path: path).read { db in
                try Int.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'event'")
            }
        )
        // The leaf of the event table in the middle of it: its page number stands in the root.
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let start = (root - 1) * 4096
        func number(_ offset: Int, _ count: Int) -> Int {
            bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
        }
        let count = number(start + 3, 2)
        #expect(bytes[start] == 5 && count > 2)
        let leaf = number(start + number(start + 12 + 2 * (count / 2), 2), 4)
        var broken = bytes
        for offset in (leaf - 1) * 4096..<(leaf - 1) * 4096 + 64 { broken[offset] = 0xFF }
        try broken.write(to: URL(fileURLWithPath: path))
        let found = try #require(try findings()["outdial-manager"])
        let chain = try #require(found.first { $0.kind == "chain" && $0.message.contains("cannot be read") })
        #expect(chain.position > 1)
        #expect(try shown("outdial-manager") == Array(1..<chain.position))
        #expect(await CarillonProgram.run(["log", "show", "--data-dir", copy.path]) == 1)
    }

    @Test func aCutTailIsFoundAtItsEnd() throws {
        let head = try LogReader(path: copy.file("campaign-manager.db")).head()
        try edit("campaign-manager", "DELETE FROM event WHERE position > \(head - 3)")
        let found = try #require(try findings()["campaign-manager"])
        #expect(found.contains(Violation(head, "position", "the event is missing, and it had been verified")))
        #expect(try shown("campaign-manager") == Array(1...head - 3))
    }

    @Test func aMissingMiddleIsFoundWhereItBegins() throws {
        try edit("dialer-worker.1", "DELETE FROM event WHERE position BETWEEN 7 AND 9")
        let found = try #require(try findings()["dialer-worker.1"])
        #expect(found.contains(Violation(7, "position", "3 events are missing from here on")))
        #expect(try shown("dialer-worker.1").prefix(6) == [1, 2, 3, 4, 5, 6])
    }

    @Test func anEventOfALaterSchemaIsFoundByItsNumber() throws {
        let at = try position("outdial-manager", "target_leased")
        try edit("outdial-manager", "UPDATE event SET schema = 99 WHERE position = \(at)")
        let changed = try #require(try findings()["outdial-manager"])
        #expect(changed.contains { $0.position == at && $0.kind == "chain" })
        // And when a later version has written it, so that the chain is sound
        try rechain("outdial-manager")
        let found = try #require(try findings()["outdial-manager"])
        #expect(!found.contains { $0.kind == "chain" })
        let finding = try #require(found.first { $0.position == at && $0.kind == "projection" })
        #expect(finding.message.contains("schema 99 of target_leased is not known to this version"))
        #expect(try shown("outdial-manager").count == Int(try LogReader(path: copy.file("outdial-manager.db")).head()))
    }

    @Test func aFileOfALaterFormatIsFoundAndTheOthersAreRead() async throws {
        try edit("outdial-manager", "PRAGMA user_version = 99")
        let found = try findings()
        #expect(found["outdial-manager"]?.map(\.kind) == ["file"])
        #expect(found["outdial-manager"]?.first?.message.contains("has format 99, this program knows up to 1") == true)
        #expect(found["campaign-manager"]?.isEmpty == true)
        #expect(await CarillonProgram.run(["log", "show", "--data-dir", copy.path]) == 1)
    }

    // MARK: - Faults of the daemons

    @Test func aWorkerThatDialsAnAttemptTwiceIsFoundInTheLedger() throws {
        let attempts = world.placed.map(\.attempt)
        let ledger = copy.file("ledger.jsonl")
        let lines = (attempts + [attempts[1]]).map { "{\"attempt_id\":\"\($0)\"}\n" }.joined()
        try lines.write(toFile: ledger, atomically: true, encoding: .utf8)
        let found = try #require(try findings(ledger: ledger)["campaign-manager"])
        #expect(found.map(\.message) == ["attempt \(attempts[1]) was dialed more than once, the ledger says"])
        #expect(found.allSatisfy { $0.position > 0 && $0.kind == "invariant" })
    }

    @Test func aWorkerThatDialsAnAttemptTwiceIsFoundInItsJournal() throws {
        // Given another journal that has claimed an attempt, too
        let attempt = world.placed[0].attempt
        let claim = try #require(
            try LogReader(path: copy.file("dialer-worker.1.db")).events(of: "attempt-\(attempt)").first
        )
        var ids = IDGenerator(seed: 5)
        let other = try EventLogFile.open(path: copy.file("dialer-worker.2.db"), schema: Journal.schema)
        try other.perform(now: claim.recordedAt, ids: &ids) { turn in
            _ = try turn.append(
                [NewEvent(type: claim.type, id: turn.ids.next(at: turn.now), data: claim.data ?? [])],
                to: claim.stream,
                expecting: .exactly(0),
                context: EventContext(correlation: claim.correlation, actor: claim.actor)
            )
        }
        try other.close()
        let found = try #require(try findings()["campaign-manager"])
        #expect(found.map(\.message) == ["attempt \(attempt) was dialed more than once, the journals say"])
    }

    @Test func aManagerThatForgetsToCountATryIsFoundAtItsTarget() async throws {
        // Given a manager whose leases and rows say one try for the second attempt of a target, too
        let reader = try LogReader(path: copy.file("outdial-manager.db"))
        let leases = try reader.events("WHERE type = 'target_leased' ORDER BY position", [])
        let second = try #require(leases.first { LogEntry(log: "", event: $0).data["try_count"].integer == 2 })
        try edit(
            "outdial-manager",
            "UPDATE event SET data = CAST(replace(data, '\"try_count\":2', '\"try_count\":1') AS BLOB) WHERE position = \(second.position)"
        )
        try rechain("outdial-manager")
        let rebuilt = try TemporaryDirectory(inMemory: true)
        _ = try LogRebuild.run(
            source: copy.file("outdial-manager.db"),
            into: rebuilt.file("outdial-manager.db"),
            schema: OutdialTables.schema,
            projections: outdialManagerProjections
        )
        for name in ["outdial-manager.db", "outdial-manager.db-wal", "outdial-manager.db-shm"] {
            try? FileManager.default.removeItem(atPath: copy.file(name))
        }
        try FileManager.default.copyItem(
            atPath: rebuilt.file("outdial-manager.db"),
            toPath: copy.file("outdial-manager.db")
        )
        let found = try #require(try findings()["outdial-manager"])
        let target = try #require(second.aggregate)
        #expect(found.contains { $0.message.hasPrefix("target \(target) has used 1 tries, and 2 of its calls") })
        #expect(found.count == 2 && found.allSatisfy { $0.kind == "invariant" }, "\(found)")
    }

    @Test func anEditedRowIsFound() throws {
        try edit(
            "outdial-manager",
            "UPDATE target SET state = replace(state, '\"priority\":5', '\"priority\":1') WHERE rowid = 3"
        )
        let found = try #require(try findings()["outdial-manager"])
        #expect(found.map(\.kind) == ["projection"])
        #expect(found.first?.message.contains("state differs from the replay of its events") == true)
        #expect(found.first?.position ?? 0 > 0)
    }

    /// Makes hashes and chain fit what the events say now.
    private func rechain(_ log: String) throws {
        let path = copy.file("\(log).db")
        let reader = try LogReader(path: path)
        var chain = try #require(try reader.chain(at: 0))
        var sealed: [StoredEvent] = []
        for stored in try reader.storedEvents(at: 1...reader.head()) {
            sealed.append(
                StoredEvent(sealing: stored.event, salt: stored.salt, dataHash: stored.dataHash, after: chain)
            )
            chain = sealed.last?.chain ?? chain
        }
        try editing(path) { db in
            for stored in sealed {
                try db.execute(
                    sql: "UPDATE event SET data_hash = ?, chain = ? WHERE position = ?",
                    arguments: [Data(stored.dataHash), Data(stored.chain), stored.event.position]
                )
            }
            try db.execute(
                sql: "UPDATE meta SET value = ? WHERE name = 'verified_chain'",
                arguments: [Data(chain)]
            )
        }
    }
}
