import Contracts
import EventLog
import GRDB
import Glibc
import Testing

@Suite struct EventLogFileTests {
    let scratch = Scratch()

    private func open(_ process: LogProcess? = nil) throws -> EventLogFile {
        try EventLogFile.open(path: scratch.log, process: process, now: start)
    }

    private func code(_ body: () throws -> Void) -> EventLogError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? EventLogError)?.code
        }
    }

    @Test func positionsAndVersionsHaveNoGaps() throws {
        let log = try open()
        try log.fill("note-1", from: 1, count: 2)
        try log.fill("note-2", from: 3, count: 1)
        try log.fill("note-1", from: 4, count: 1)
        #expect(log.head == 4)
        try log.turn { turn throws in
            #expect(try turn.version(of: "note-1") == 3)
            #expect(try turn.version(of: "note-2") == 1)
            #expect(try turn.version(of: "note-3") == 0)
        }
        let events = try LogReader(path: scratch.log).events(after: 0, limit: 10)
        #expect(events.map(\.position) == [1, 2, 3, 4])
        #expect(events.map(\.version) == [1, 2, 1, 3])
        #expect(events[0].causation == context.causation)
        #expect(events[0].correlation == context.correlation)
        #expect(events[0].recordedAt == start)
        #expect(events[1].data == Array("{\"n\":1}".utf8))
        try log.close()
    }

    @Test func appendAnswersWithWhatItRecorded() throws {
        let log = try open()
        let result = try log.turn {
            try $0.append([event(1, "{}"), event(2, "[]")], to: "note-1", expecting: .exactly(0), context: context)
        }
        #expect(result == .appended(try LogReader(path: scratch.log).events(of: "note-1")))
    }

    @Test func aWrongVersionConflictsAndTheTurnGoesOn() throws {
        let log = try open()
        try log.fill(count: 2)
        try log.turn { turn throws in
            for expected: Int64 in [0, 1, 3] {
                #expect(
                    code {
                        _ = try turn.append(
                            [event(9)],
                            to: "note-1",
                            expecting: .exactly(expected),
                            context: context
                        )
                    } == .versionConflict
                )
            }
            _ = try turn.append([event(9)], to: "note-1", expecting: .exactly(2), context: context)
        }
        #expect(log.head == 3)
    }

    @Test func appendingTheSameIdsAgainAnswersAlready() throws {
        let log = try open()
        try log.fill("note-0", from: 100, count: 3)
        try log.fill(count: 2)
        for expecting in [ExpectedVersion.any, .exactly(0), .exactly(2)] {
            let again = try log.turn {
                try $0.append([event(1), event(2)], to: "note-1", expecting: expecting, context: context)
            }
            #expect(again == .already(position: 4))
        }
        #expect(log.head == 5)
        #expect(try LogReader(path: scratch.log).events(of: "note-1").count == 2)
    }

    @Test func someKnownIdsAreRefusedWithoutATrace() throws {
        let log = try open()
        try log.fill(count: 1)
        try log.turn { turn throws in
            #expect(
                code {
                    _ = try turn.append([event(5), event(1)], to: "note-1", expecting: .any, context: context)
                } == .duplicateEvent
            )
            #expect(
                code { _ = try turn.append([event(1)], to: "note-2", expecting: .any, context: context) }
                    == .duplicateEvent
            )
            #expect(turn.head == 1)
            _ = try turn.append([event(5)], to: "note-1", expecting: .exactly(1), context: context)
        }
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
    }

    @Test func effectsRunInOrderAfterTheCommit() throws {
        let log = try open()
        let reader = try LogReader(path: scratch.log)
        var seen: [Int64] = []
        try log.turn { turn throws in
            turn.afterCommit { seen.append((try? reader.head()) ?? -1) }
            turn.afterCommit { seen.append(100) }
            _ = try turn.append([event(1)], to: "note-1", expecting: .any, context: context)
            #expect(seen == [])
            #expect(try reader.head() == 0)
        }
        #expect(seen == [1, 100])
    }

    @Test func aFailedTurnLeavesNothing() throws {
        let log = try open()
        try log.fill(count: 1)
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try log.turn { turn throws in
                _ = try turn.append([event(2)], to: "note-1", expecting: .any, context: context)
                _ = try turn.append([event(3)], to: "note-2", expecting: .any, context: context)
                #expect(try turn.admit(ID(high: 1, low: 1), consumer: "c"))
                try turn.armTimer(kind: "k", key: "1", at: start)
                try turn.setCursor("p", 2)
                turn.afterCommit { Issue.record("an effect of a failed turn ran") }
                throw Stop()
            }
        }
        #expect(log.head == 1)
        #expect(log.nextDue == nil)
        try log.turn { turn throws in
            #expect(try turn.version(of: "note-1") == 1)
            #expect(try turn.version(of: "note-2") == 0)
            #expect(try turn.admit(ID(high: 1, low: 1), consumer: "c"))
            #expect(try turn.cursor("p") == 0)
        }
        try log.fill("note-2", from: 3, count: 1)
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
    }

    @Test func theInboxAdmitsAMessageOncePerConsumer() throws {
        let log = try open()
        let message = ID(high: 5, low: 6)
        #expect(try log.turn { try $0.admit(message, consumer: "a") })
        #expect(try !log.turn { try $0.admit(message, consumer: "a") })
        #expect(try log.turn { try $0.admit(message, consumer: "b") })
        try log.close()
        let again = try open()
        #expect(try !again.turn { try $0.admit(message, consumer: "a") })
    }

    @Test func cursorsAreKept() throws {
        let log = try open()
        try log.fill(count: 9)
        try log.turn { try $0.setCursor("publisher", 7) }
        try log.turn { try $0.setCursor("publisher", 9) }
        #expect(try LogReader(path: scratch.log).cursor("publisher") == 9)
        #expect(try LogReader(path: scratch.log).cursor("other") == 0)
    }

    @Test func everyCommitIsSynced() throws {
        let log = try open()
        try log.fill(count: 1)
        #expect(try log.synchronousLevel == 2)
        try log.turn { turn throws in
            #expect(try Int.fetchOne(turn.database, sql: "PRAGMA wal_autocheckpoint") == 0)
            #expect(try String.fetchOne(turn.database, sql: "PRAGMA journal_mode") == "wal")
        }
    }

    @Test func theFilesAreThePropertyOfOneUser() throws {
        let log = try open()
        try log.fill(count: 1)
        for suffix in ["", "-wal", "-shm", ".lock"] {
            var status = stat()
            #expect(stat(scratch.log + suffix, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "mode of \(suffix)")
        }
    }

    @Test func aSecondWriterIsRefused() throws {
        let log = try open()
        do {
            _ = try open()
            Issue.record("two writers on one log")
        } catch let error as EventLogError {
            #expect(error.code == .locked)
            #expect(error.message == "\(scratch.log) is in use by process \(getpid()); stop it first")
        }
        #expect(run("flock", "-n", scratch.log + ".lock", "true") == 1)
        try log.close()
        #expect(run("flock", "-n", scratch.log + ".lock", "true") == 0)
        try open().close()
    }

    @Test func aLogHeldByAnotherProcessIsRefused() throws {
        try open().close()
        let gate = scratch.path + "/gate"
        #expect(mkfifo(gate, 0o600) == 0)
        // The child holds the lock until its input ends, and opens the gate only once it has the lock.
        let child = spawn("flock", scratch.log + ".lock", "cat", gate)
        let descriptor = Glibc.open(gate, O_WRONLY | O_CLOEXEC)
        #expect(code { _ = try open() } == .locked)
        Glibc.close(descriptor)
        #expect(wait(for: child) == 0)
        try open().close()
    }

    @Test func whatIsNoLogIsRefused() throws {
        let queue = try DatabaseQueue(path: scratch.log)
        try queue.write { try $0.execute(sql: "CREATE TABLE mine(a)") }
        try queue.close()
        #expect(code { _ = try open() } == .notALog)
        #expect(code { _ = try LogReader(path: scratch.log) } == .notALog)

        let text = scratch.path + "/text.db"
        run("sh", "-c", "yes text | head -c 8192 > \(text)")
        #expect(code { _ = try EventLogFile.open(path: text) } == .notALog)
        #expect(code { _ = try EventLogFile.open(path: scratch.path + "/none/x.db") } == .inputOutput)
    }

    @Test func aLaterFormatIsRefused() throws {
        try open().close()
        try scratch.edit(scratch.log, "PRAGMA user_version = 2")
        #expect(code { _ = try open() } == .schemaTooNew)
        #expect(code { _ = try LogReader(path: scratch.log) } == .schemaTooNew)
    }

    @Test func aClosedLogTakesNoTurns() throws {
        let log = try open()
        try log.close()
        try log.close()
        #expect(throws: (any Error).self) { try log.fill(count: 1) }
    }

    @Test func theStartOfAProcessIsAnEvent() throws {
        for _ in 1...2 {
            try open(LogProcess(name: "manager", version: "1.2", configuration: ["port": 1])).close()
        }
        let events = try LogReader(path: scratch.log).events(of: "process-manager")
        #expect(events.map(\.type) == ["process_started", "process_started"])
        let json = try JSONValue(parsing: try #require(events[0].data))
        #expect(json["version"].string == "1.2")
        #expect(json["configuration"]["port"].integer == 1)
    }

    @Test func anAbruptEndLosesNothing() throws {
        let log = try open()
        try log.fill(count: 50)
        try log.turn { try $0.armTimer(kind: "k", key: "1", at: start + 5) }
        let copy = scratch.copyLog(to: "copy.db")
        try log.fill(from: 100, count: 1)
        let reopened = try EventLogFile.open(path: copy)
        #expect(reopened.head == 50)
        #expect(reopened.nextDue == start + 5)
        #expect(reopened.logID == log.logID)
        try reopened.fill(from: 100, count: 1)
        try reopened.close()
        #expect(try LogVerifier.verify(path: copy, projections: []).violations == [])
    }

    @Test func theDocumentedSchemaIsTheRealOne() throws {
        let log = try open()
        try log.close()
        let file = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/schemas/event-log.sql"
        let documented = scratch.path + "/documented.db"
        #expect(run("sh", "-c", "sqlite3 '\(documented)' < '\(file)'") == 0)
        func tables(_ path: String) throws -> [String] {
            var configuration = Configuration()
            configuration.readonly = true
            return try DatabaseQueue(path: path, configuration: configuration).read { db throws in
                var lines = try String.fetchAll(
                    db,
                    sql: """
                        SELECT m.name || ' ' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk
                        FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1
                        """
                )
                lines += try String.fetchAll(
                    db,
                    sql: """
                        SELECT m.name || ' ' || i."unique" || ' ' || group_concat(x.name)
                        FROM sqlite_schema m, pragma_index_list(m.name) i, pragma_index_info(i.name) x
                        WHERE m.type = 'table' GROUP BY i.name ORDER BY 1
                        """
                )
                lines += try String.fetchAll(db, sql: "SELECT application_id FROM pragma_application_id")
                lines += try String.fetchAll(db, sql: "SELECT user_version FROM pragma_user_version")
                return lines
            }
        }
        #expect(try tables(documented) == tables(scratch.log))
    }
}
