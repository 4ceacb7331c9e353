import Contracts
import DialerWorker
import Testing

@Suite("The plan of a simulated call")
struct CallPlanTests {
    private func plan(
        _ number: String,
        tryCount: Int = 1,
        scenario: Scenario = Scenario(),
        dialTimeout: Milliseconds = 30_000,
        maximumTalkTime: Milliseconds = 3_600_000
    ) -> CallPlan {
        var plan = CallPlan(
            scenario: scenario,
            number: number,
            tryCount: tryCount,
            dialTimeout: dialTimeout,
            maximumTalkTime: maximumTalkTime
        )
        // Drawn for every number; of no interest until there are queues.
        plan.patience = 0
        return plan
    }

    private func answered(
        after ring: Milliseconds = 1000,
        digits: String = "",
        isMachine: Bool = false
    ) -> CallPlan {
        CallPlan(
            ring: ring,
            isRinging: true,
            conversation: CallPlan.Conversation(
                length: 5000,
                digits: digits,
                digitsAfter: digits.isEmpty ? 0 : 1000,
                isMachine: isMachine,
                listensToTheEnd: true
            ),
            reason: .normal,
            by: .remote,
            patience: 0
        )
    }

    private func unanswered(
        _ ring: Milliseconds,
        isRinging: Bool,
        _ reason: HangupReason,
        by: HangupParty
    ) -> CallPlan {
        CallPlan(ring: ring, isRinging: isRinging, conversation: nil, reason: reason, by: by, patience: 0)
    }

    @Test("of each magic number is its script")
    func magicNumbers() {
        #expect(plan("+15551230001") == answered())
        #expect(plan("+15551230002") == unanswered(1000, isRinging: false, .busy, by: .remote))
        #expect(plan("+15551230003") == unanswered(30_000, isRinging: true, .noAnswer, by: .system))
        #expect(plan("+15551230004") == unanswered(0, isRinging: false, .failed, by: .remote))
        #expect(plan("+15551230005") == answered(isMachine: true))
        #expect(plan("+15551230006") == unanswered(1000, isRinging: true, .busy, by: .remote))
        #expect(plan("+15551230007") == answered(digits: "1"))
        #expect(plan("+15551230008") == answered(after: 10_000))
        #expect(plan("+15551230009") == unanswered(1000, isRinging: false, .busy, by: .remote))
        #expect(plan("+15551230009", tryCount: 2) == answered())
        #expect(plan("+15551230009", tryCount: 3) == answered())
    }

    @Test("of a magic number is an ordinary one when they are switched off")
    func magicNumbersOff() {
        var scenario = Scenario()
        scenario.usesMagicNumbers = false
        scenario.defaults.probabilities = [0, 1, 0, 0, 0]
        #expect(plan("+15551230001", scenario: scenario).reason == .busy)
    }

    @Test("of a late answerer depends on the dial timeout")
    func lateAnswer() {
        #expect(plan("+15551230008", dialTimeout: 10_000) == answered(after: 10_000))
        #expect(
            plan("+15551230008", dialTimeout: 9999) == unanswered(9999, isRinging: true, .noAnswer, by: .system)
        )
    }

    @Test("rings until the dial timeout when nobody answers, whatever that is", arguments: [1, 5000, 120_000])
    func dialTimeout(milliseconds: Int64) {
        let limit = Milliseconds(milliseconds)
        #expect(plan("+15551230003", dialTimeout: limit).ring == limit)
    }

    @Test("ends a long conversation at the maximum talk time, as a timeout")
    func maximumTalkTime() {
        let cut = plan("+15551230001", maximumTalkTime: 4999)
        #expect(cut.conversation?.length == 4999)
        #expect(cut.reason == .timeout)
        #expect(cut.by == .system)
        #expect(plan("+15551230001", maximumTalkTime: 5000) == answered())
    }

    @Test("has no keys that would come after the cut")
    func keysAfterTheCut() {
        #expect(plan("+15551230007", maximumTalkTime: 999).conversation?.digits == "")
        #expect(plan("+15551230007", maximumTalkTime: 1001).conversation?.digits == "1")
    }

    @Test("follows an override before a magic number, and a magic number before the defaults")
    func precedence() {
        var scenario = Scenario()
        scenario.defaults.probabilities = [0, 0, 0, 1, 0]
        var override = Scenario.Override(number: "*0001")
        override.outcome = .busy
        override.onTry = 1
        override.ring = Scenario.Span(7, 7)
        scenario.overrides = [override]
        #expect(plan("+15551230001", scenario: scenario) == unanswered(7, isRinging: false, .busy, by: .remote))
        #expect(plan("+15551230001", tryCount: 2, scenario: scenario) == answered())
        #expect(plan("+15551239999", scenario: scenario).reason == .failed)
    }

    @Test("keeps what an override does not say")
    func partialOverride() {
        var scenario = Scenario()
        var override = Scenario.Override(number: "*0007")
        override.talk = Scenario.Span(100, 100)
        scenario.overrides = [override]
        let plan = plan("+15551230007", scenario: scenario)
        #expect(plan.ring == 1000)
        #expect(plan.conversation?.length == 100)
        #expect(plan.conversation?.digits == "1")
        #expect(plan.conversation?.digitsAfter == 50)
    }

    @Test("is the same whenever it is asked for, and another for another try or seed")
    func determinism() {
        let numbers = (0..<500).map { "+1555123\(1000 + $0)" }
        let forward = numbers.map { plan($0) }
        let backward = numbers.reversed().map { plan($0) }
        #expect(forward == backward.reversed())
        #expect(forward != numbers.map { plan($0, tryCount: 2) })
        var other = Scenario()
        other.seed = 2
        #expect(forward != numbers.map { plan($0, scenario: other) })
    }

    @Test("has each outcome about as often as the scenario says")
    func probabilities() {
        var counts: [String: Int] = [:]
        for number in 0..<10_000 {
            let plan = plan("+1555\(2_000_000 + number * 17)55")
            let isMachine = plan.conversation?.isMachine ?? false
            counts[isMachine ? "machine" : plan.reason.rawValue, default: 0] += 1
            #expect(plan.conversation != nil || plan.reason != .normal)
            #expect((2000...30_000).contains(plan.ring.count))
        }
        let expected = ["normal": 5000, "busy": 1500, "no_answer": 2500, "failed": 500, "machine": 500]
        for (outcome, count) in expected {
            // Four standard deviations of the widest of them.
            #expect(abs(counts[outcome, default: 0] - count) < 200, "\(outcome) with seed 1: \(counts)")
        }
    }
}
