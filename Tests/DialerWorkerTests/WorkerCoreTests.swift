import Contracts
import DialerWorker
import EventLog
import GRDB
import Testing

@Suite("A turn of the worker")
struct WorkerCoreTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("dialer-worker.1.db") }

    /// A journal on a real file, with the core that decides over it.
    private final class Bench {
        var core: WorkerCore
        let journal: Journal
        private var ids = IDGenerator()

        init(_ path: String, channels: Int = 10, now: Timestamp = Sample.start) throws {
            core = WorkerCore(worker: "1", channels: channels)
            let process = LogProcess(name: "dialer-worker", version: "1")
            let log = try EventLogFile.open(path: path, schema: Journal.schema, process: process, now: now)
            journal = try Journal(log: log, core: &core, now: now)
        }

        @discardableResult
        func turn(_ inputs: WorkerInput..., now: Timestamp = Sample.start) throws -> WorkerEffects {
            try journal.log.perform(now: now, ids: &ids) { try core.turn($0, inputs) }
        }

        /// Decides and forgets, as when the process dies before the commit.
        func lose(_ inputs: WorkerInput...) {
            struct Lost: Error {}
            #expect(throws: Lost.self) {
                try journal.log.perform(now: Sample.start, ids: &ids) { turn in
                    _ = try core.turn(turn, inputs)
                    throw Lost()
                }
            }
        }

        /// The process is gone; nothing is tidied up.
        func kill() throws { try journal.log.abandon() }

        /// The events of one attempt.
        func events(_ number: UInt64 = 1) throws -> [AttemptEvent] {
            try recorded(number).map { event in
                try AttemptEvent(
                    type: event.type,
                    schema: event.schema,
                    json: try JSONValue(parsing: event.data ?? [])
                )
            }
        }

        func recorded(_ number: UInt64 = 1) throws -> [RecordedEvent] {
            try LogReader(path: journal.log.path).events(of: "attempt-\(Sample.attempt(number))")
        }
    }

    private func dial(_ number: UInt64 = 1, run: Int64 = 1, startBy: Timestamp = Sample.start) -> WorkerInput {
        .item(Sample.item(.dial(Sample.dial(number, run: run, startBy: startBy)), id: number))
    }

    private func settle(_ number: UInt64 = 1) -> WorkerInput {
        .item(Sample.item(.settle(attempt: Sample.attempt(number)), id: 50 + number))
    }

    private func cancel(run: Int64 = 1) -> WorkerInput {
        .item(Sample.item(.cancel(campaign: Sample.campaign, run: run), id: 99))
    }

    private func report(_ what: CallReport.What, _ number: UInt64 = 1) -> WorkerInput {
        .report(CallReport(attempt: Sample.attempt(number), what: what))
    }

    private func subject(_ number: UInt64 = 1) -> CallSubject {
        CallSubject(attempt: Sample.attempt(number), call: Sample.call(number), customer: Sample.customer)
    }

    private func refused(_ reason: String, _ number: UInt64 = 1) -> AttemptEvent {
        .refused(attempt: Sample.attempt(number), reason: reason)
    }

    private func claimed(_ number: UInt64 = 1) -> AttemptEvent {
        .claimed(
            Sample.dial(number, startBy: Sample.start),
            correlation: Sample.id(4000 + number),
            item: Sample.id(3000 + number)
        )
    }

    @Test("claims an attempt and has it placed after the commit")
    func claim() throws {
        let bench = try Bench(path)
        let effects = try bench.turn(dial())
        #expect(effects.place == [Sample.dial(startBy: Sample.start)])
        #expect(try bench.events() == [claimed()])
        #expect(bench.core.free == 9)
        let event = try #require(try bench.recorded().first)
        #expect(event.correlation == Sample.id(4001))
        #expect(event.causation == Sample.id(3001))
        #expect(event.actor == "worker:1")
    }

    @Test("places a call once, however often its command comes")
    func redelivery() throws {
        let bench = try Bench(path)
        #expect(try bench.turn(dial(), dial()).place.count == 1)
        #expect(try bench.turn(dial()).place.isEmpty)
        try bench.turn(report(.ended(reason: .busy, by: .remote)))
        #expect(try bench.turn(dial()).place.isEmpty)
        #expect(try bench.events() == [claimed(), .hangup(subject(), reason: "busy", by: "remote")])
        #expect(bench.core.free == 10)
    }

    @Test("refuses what is late, also after the claim")
    func late() throws {
        let bench = try Bench(path)
        let effects = try bench.turn(dial(1, startBy: Timestamp(microseconds: Sample.start.microseconds - 1)))
        #expect(effects.place.isEmpty)
        #expect(try bench.events() == [refused("late")])
        try bench.turn(dial(2))
        try bench.turn(.tooLate(Sample.attempt(2)))
        #expect(try bench.events(2) == [claimed(2), refused("late", 2)])
        #expect(bench.core.free == 10)
    }

    @Test("refuses what finds no channel, and says when that begins and ends")
    func channels() throws {
        let bench = try Bench(path, channels: 2)
        #expect(try !bench.turn(dial(1)).statusChanged)
        let effects = try bench.turn(dial(2), dial(3))
        #expect(effects.statusChanged)
        #expect(effects.place.map(\.attempt) == [Sample.attempt(2)])
        #expect(try bench.events(3) == [refused("no_channel", 3)])
        #expect(bench.core.free == 0)
        // Within one turn a channel that becomes free can be taken again.
        let next = try bench.turn(report(.ended(reason: .failed, by: .remote), 1), dial(4))
        #expect(next.place.map(\.attempt) == [Sample.attempt(4)])
        #expect(!next.statusChanged)
        #expect(try bench.turn(report(.ended(reason: .failed, by: .remote), 2)).statusChanged)
    }

    @Test("refuses everything new once the worker leaves")
    func leaving() throws {
        let bench = try Bench(path)
        try bench.turn(dial(1))
        #expect(try bench.turn(.leave, dial(2)).statusChanged)
        #expect(try bench.events(2) == [refused("leaving", 2)])
        #expect(bench.core.liveCount == 1)
        #expect(try bench.turn(.hangUpAll).hangUp == [Sample.attempt(1)])
    }

    @Test("records a whole call, in one turn or in several")
    func wholeCall() throws {
        let bench = try Bench(path)
        let steps: [CallReport.What] = [
            .dialing, .ringing, .answered, .digits("1"), .ended(reason: .normal, by: .remote),
        ]
        try bench.turn(dial(1))
        for step in steps { try bench.turn(report(step, 1)) }
        try bench.turn(
            dial(2),
            report(steps[0], 2),
            report(steps[1], 2),
            report(steps[2], 2),
            report(steps[3], 2),
            report(steps[4], 2)
        )
        for number: UInt64 in [1, 2] {
            let subject = subject(number)
            #expect(
                try bench.events(number) == [
                    claimed(number), .dialing(subject), .ringing(subject), .progressing(subject),
                    .digits(subject, digits: "1"), .hangup(subject, reason: "normal", by: "remote"),
                ]
            )
            #expect(try bench.recorded(number).allSatisfy { $0.causation == Sample.id(3000 + number) })
        }
        #expect(bench.core.free == 10)
    }

    @Test("cancels the unanswered calls of one run, those of the same batch included")
    func cancelling() throws {
        let bench = try Bench(path)
        try bench.turn(dial(1), dial(2), dial(3, run: 2), dial(4))
        try bench.turn(report(.dialing, 1), report(.ringing, 1), report(.dialing, 2), report(.answered, 2))
        try bench.turn(report(.ended(reason: .busy, by: .remote), 4))
        let effects = try bench.turn(dial(5), cancel(), dial(6))
        #expect(effects.cancel == [Sample.attempt(1), Sample.attempt(5)])
        // What comes behind the cancellation is not placed at all.
        #expect(effects.place.map(\.attempt) == [Sample.attempt(5)])
        #expect(try bench.events(6) == [refused("cancelled", 6)])
        try bench.turn(report(.ended(reason: .cancel, by: .system), 1))
        #expect(try bench.events(1).last == .hangup(subject(1), reason: "cancel", by: "system"))
        #expect(try bench.turn(cancel(run: 7)).cancel.isEmpty)
    }

    @Test("hangs up what is live, those of the same batch included, and what comes later is not placed")
    func hangingUp() throws {
        let bench = try Bench(path)
        func hangUp(_ number: UInt64) -> WorkerInput {
            .item(Sample.item(.hangup(attempt: Sample.attempt(number)), id: 70 + number))
        }
        try bench.turn(dial(1), report(.dialing, 1), report(.answered, 1))
        let effects = try bench.turn(dial(2), hangUp(1), hangUp(2))
        #expect(effects.hangUpForUs == [Sample.attempt(1), Sample.attempt(2)])
        #expect(effects.cancel.isEmpty && effects.hangUp.isEmpty)
        try bench.turn(report(.ended(reason: .normal, by: .local), 1))
        #expect(try bench.events(1).last == .hangup(subject(1), reason: "normal", by: "local"))
        // One that is over, and one whose command comes only afterwards.
        #expect(try bench.turn(hangUp(1), hangUp(3)).hangUpForUs.isEmpty)
        #expect(try bench.turn(dial(3)).place.isEmpty)
        #expect(try bench.events(3) == [refused("hung_up", 3)])
        #expect(try bench.events(1).count == 4)
    }

    @Test("settles what was never seen so that it can never be claimed")
    func settleUnknown() throws {
        let bench = try Bench(path)
        let answer = AttemptEvent.settled(Settlement(attempt: Sample.attempt(1), state: .refused))
        try bench.turn(settle())
        #expect(try bench.events() == [refused("settled"), answer])
        #expect(try bench.turn(dial()).place.isEmpty)
        try bench.turn(settle())
        #expect(try bench.events() == [refused("settled"), answer, answer])
    }

    @Test("settles what is live and what has ended as claimed")
    func settleClaimed() throws {
        let bench = try Bench(path)
        try bench.turn(dial(), settle())
        #expect(try bench.events().last == .settled(Settlement(attempt: Sample.attempt(1), state: .claimed)))
        #expect(try bench.recorded().map(\.causation) == [Sample.id(3001), Sample.id(3051)])
        let ended = Sample.start + 10
        try bench.turn(report(.ended(reason: .busy, by: .remote)), now: ended)
        try bench.turn(settle(), now: ended + 10)
        let end = Settlement.End(subject: subject(), reason: "busy", by: "remote", at: ended)
        #expect(try bench.events().last == .settled(Settlement(attempt: Sample.attempt(1), state: .claimed, end: end)))
    }

    @Test("ignores what is not for a worker")
    func strangers() throws {
        let bench = try Bench(path)
        let stray = Sample.item(.settled(attempt: Sample.attempt(1), state: .claimed, journal: .none))
        #expect(try bench.turn(.item(stray)).unexpected == ["settled"])
    }

    @Test("ends the daemon when its journal is refused, and every later one with the same file")
    func refusedJournal() throws {
        let bench = try Bench(path)
        #expect(bench.journal.refusal == nil)
        #expect(try bench.turn(.journalRefused("older")).journalRefused == "older")
        try bench.kill()
        #expect(try Bench(path).journal.refusal == "older")
    }

    @Test("shows its journal as the last accepted process left it, whatever the others have appended")
    func positionOfJournal() throws {
        let first = try Bench(path)
        #expect(first.journal.position == 0)
        #expect(try first.turn(.accepted(process: Sample.id(1))).isAccepted)
        try first.turn(dial(1), dial(2))
        let head = first.journal.log.head
        try first.kill()
        // Two that campaign-manager never answered: they say that both calls are unknown, to nobody.
        for _ in 0..<2 {
            let next = try Bench(path)
            #expect(next.journal.position == head)
            #expect(next.journal.log.head > head)
            try next.kill()
        }
        let last = try Bench(path)
        #expect(last.journal.position == head)
        try last.turn(.accepted(process: Sample.id(2)))
        try last.kill()
        #expect(try Bench(path).journal.position == last.journal.log.head)
    }

    @Test("refuses a command that comes after the cancellation of its run, also in a later process")
    func lateCommand() throws {
        let bench = try Bench(path)
        #expect(try bench.turn(cancel(run: 2), dial(1, run: 2), dial(2, run: 1), dial(3, run: 3)).place.count == 1)
        #expect(try bench.events(1) == [refused("cancelled", 1)])
        #expect(try bench.events(2) == [refused("cancelled", 2)])
        #expect(try bench.events(3).first?.type == "attempt_claimed")
        // An older cancellation takes nothing back.
        try bench.turn(cancel(run: 1))
        try bench.kill()
        let after = try Bench(path)
        #expect(try after.turn(dial(4, run: 2), dial(5, run: 3)).place.count == 1)
        #expect(try after.events(4) == [refused("cancelled", 4)])
    }

    @Test("that is lost before its commit has claimed nothing")
    func crashBeforeCommit() throws {
        let before = try Bench(path)
        let journal = before.journal.id
        before.lose(dial())
        try before.kill()
        let after = try Bench(path)
        #expect(after.journal.id == journal)
        #expect(try after.events().isEmpty)
        #expect(try after.turn(dial()).place.count == 1)
    }

    @Test("that follows a crash finds every open attempt ended as unknown, and nothing can be dialed again")
    func crashAfterCommit() throws {
        let before = try Bench(path)
        try before.turn(dial(1), dial(2), dial(3), settle(4))
        try before.turn(report(.dialing, 2), report(.answered, 2), report(.ended(reason: .failed, by: .remote), 3))
        try before.kill()
        let after = try Bench(path, now: Sample.start + 1)
        let unknown = { (number: UInt64) in
            AttemptEvent.hangup(subject(number), reason: "outcome_unknown", by: "system")
        }
        #expect(try after.events(1) == [claimed(1), unknown(1)])
        #expect(try after.events(2).last == unknown(2))
        #expect(try after.events(3).last == .hangup(subject(3), reason: "failed", by: "remote"))
        #expect(after.core.free == 10)
        #expect(try after.turn(dial(1), dial(2), dial(3), dial(4)).place.isEmpty)
        // A third process finds nothing open any more.
        let head = after.journal.log.head
        try after.kill()
        #expect(try Bench(path).journal.log.head == head + 1)
    }

    @Test("keeps rows that equal a replay, through a thousand random inputs", arguments: [1, 2, 3] as [UInt64])
    func replay(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let bench = try Bench(path, channels: 5)
        var placed: [ID: Int] = [:]
        for _ in 0..<100 {
            var inputs: [WorkerInput] = []
            for _ in 0..<10 { inputs.append(anyInput(&random)) }
            var ids = IDGenerator(seed: random.next())
            let effects = try bench.journal.log.perform(now: Sample.start, ids: &ids) {
                try bench.core.turn($0, inputs)
            }
            for command in effects.place { placed[command.attempt, default: 0] += 1 }
            #expect((0...5).contains(bench.core.free))
        }
        #expect(placed.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        let open = try LogReader(path: path).read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM attempt WHERE live = 1")
        }
        #expect(open == bench.core.liveCount, "seed \(seed)")
        let report = try LogVerifier.verify(path: path, projections: Journal.projections)
        #expect(report.violations.isEmpty, "seed \(seed)")
    }

    private func anyInput(_ random: inout RandomSource) -> WorkerInput {
        let number = UInt64.random(in: 1...40, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3: return dial(number)
        case 4: return report(.dialing, number)
        case 5: return report(.answered, number)
        case 6: return report(.ended(reason: .normal, by: .remote), number)
        case 7: return .tooLate(Sample.attempt(number))
        case 8: return settle(number)
        default: return cancel()
        }
    }
}
