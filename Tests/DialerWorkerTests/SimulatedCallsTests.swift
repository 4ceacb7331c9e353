import Contracts
import DialerWorker
import Testing

@Suite("The simulator's calls")
final class SimulatedCallsTests {
    private var calls = SimulatedCalls(scenario: Scenario())
    private var reports: [CallReport] = []

    private func at(_ milliseconds: Int64) -> [CallReport.What] {
        reports = []
        calls.advance(to: milliseconds * 1000, reports: &reports)
        return reports.map(\.what)
    }

    private func place(_ command: DialCommand) -> [CallReport.What] {
        reports = []
        calls.place(command, at: 0, reports: &reports)
        return reports.map(\.what)
    }

    private func ended(_ reason: HangupReason, _ by: HangupParty) -> CallReport.What { .ended(reason: reason, by: by) }

    @Test("run through an answered call")
    func answered() {
        #expect(place(Sample.dial(to: "+15551230007")) == [.dialing, .ringing])
        #expect(at(999) == [])
        #expect(at(1000) == [.answered])
        #expect(at(1999) == [])
        #expect(at(2000) == [.digits("1")])
        #expect(at(5999) == [])
        #expect(at(6000) == [ended(.normal, .remote)])
        #expect(calls.count == 0)
        #expect(calls.nextDue == nil)
    }

    @Test("catch up in order after a long sleep")
    func catchUp() {
        _ = place(Sample.dial(to: "+15551230007"))
        #expect(at(60_000) == [.answered, .digits("1"), ended(.normal, .remote)])
    }

    @Test("do not ring when the line is busy or the call fails")
    func withoutRinging() {
        #expect(place(Sample.dial(to: "+15551230002")) == [.dialing])
        #expect(at(1000) == [ended(.busy, .remote)])
        #expect(place(Sample.dial(2, to: "+15551230004")) == [.dialing])
        #expect(at(0) == [ended(.failed, .remote)])
    }

    @Test("end unanswered ones on cancel, and let the answered go on")
    func cancel() {
        _ = place(Sample.dial(1))
        _ = place(Sample.dial(2, to: "+15551230008"))
        #expect(at(1000) == [.answered])
        reports = []
        calls.cancel(Sample.attempt(1), reports: &reports)
        calls.cancel(Sample.attempt(2), reports: &reports)
        calls.cancel(Sample.attempt(3), reports: &reports)
        #expect(reports == [CallReport(attempt: Sample.attempt(2), what: ended(.cancel, .system))])
        #expect(at(60_000) == [ended(.normal, .remote)])
    }

    @Test("end on our hangup: normal when answered, cancel when not")
    func hangUp() {
        _ = place(Sample.dial(1))
        _ = place(Sample.dial(2, to: "+15551230008"))
        _ = at(1000)
        reports = []
        calls.hangUp(Sample.attempt(1), by: .system, reports: &reports)
        calls.hangUp(Sample.attempt(2), by: .local, reports: &reports)
        #expect(reports.map(\.what) == [ended(.normal, .system), ended(.cancel, .local)])
        #expect(at(60_000) == [])
    }

    @Test("keep all their times by the time scale")
    func timeScale() {
        var scenario = Scenario()
        scenario.timeScale = 0.01
        calls = SimulatedCalls(scenario: scenario)
        _ = place(Sample.dial(1))
        _ = place(Sample.dial(2, to: "+15551230003", dialTimeout: 20_000))
        _ = place(Sample.dial(3, maximumTalkTime: 2000))
        #expect(at(9) == [])
        #expect(at(10) == [.answered, .answered])
        #expect(at(29) == [])
        #expect(at(30) == [ended(.timeout, .system)])
        #expect(at(60) == [ended(.normal, .remote)])
        #expect(at(199) == [])
        #expect(at(200) == [ended(.noAnswer, .system)])
    }

    @Test("happen at once when they take no time, thousands in a batch")
    func instant() {
        var scenario = Scenario()
        scenario.timeScale = 0
        calls = SimulatedCalls(scenario: scenario)
        reports = []
        for number in 0..<5000 { calls.place(Sample.dial(UInt64(number)), at: 7, reports: &reports) }
        calls.advance(to: 7, reports: &reports)
        #expect(reports.count == 4 * 5000)
        #expect(calls.count == 0)
    }

    @Test("happen in the order of their times, whatever the order of placing")
    func order() {
        var random = RandomSource(seed: 7)
        var commands: [DialCommand] = []
        for number in 0..<2000 { commands.append(Sample.dial(UInt64(number), to: "+1555777\(1111 + number)")) }
        commands.shuffle(using: &random)
        for command in commands { calls.place(command, at: 0, reports: &reports) }
        var last: Int64 = 0
        while let due = calls.nextDue {
            #expect(due >= last)
            last = due
            calls.advance(to: due, reports: &reports)
        }
        let ends = reports.filter { if case .ended = $0.what { true } else { false } }
        #expect(ends.count == 2000)
        #expect(Set(ends.map(\.attempt)).count == 2000)
    }
}
