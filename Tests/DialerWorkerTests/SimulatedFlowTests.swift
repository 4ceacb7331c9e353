import Contracts
import DialerWorker
import Testing

@Suite("The simulator's people on flows")
final class SimulatedFlowTests {
    private var calls = SimulatedCalls(scenario: Scenario())
    private var orders = 0

    private func at(_ milliseconds: Int64) -> [CallReport.What] {
        var reports: [CallReport] = []
        calls.advance(to: milliseconds * 1000, reports: &reports)
        return reports.map(\.what)
    }

    /// Somebody with this number has answered after a second.
    private func answered(_ phone: String, scenario: Scenario = Scenario()) {
        calls = SimulatedCalls(scenario: scenario)
        var dial = Sample.dial(to: phone)
        dial.program = Sample.id(700)
        var reports: [CallReport] = []
        calls.place(dial, at: 0, reports: &reports)
        #expect(at(1000) == [.answered])
    }

    private func order(_ what: CallOrder.What, at milliseconds: Int64) -> [CallReport.What] {
        orders += 1
        var reports: [CallReport] = []
        calls.perform(
            CallOrder(attempt: Sample.attempt(1), number: orders, what: what),
            at: milliseconds * 1000,
            reports: &reports
        )
        return reports.map(\.what)
    }

    @Test("listen as long as the text is, to the end when their number says so")
    func speech() {
        answered("+15551230001")
        let text = String(repeating: "a", count: 1000)
        #expect(order(.speak(text: text, language: "", endsOnDigits: false), at: 1000) == [])
        #expect(at(60_999) == [])
        #expect(at(61_000) == [.orderDone(orders, .done)])
        #expect(calls.count == 1)
    }

    @Test("hang up when a machine talks to them for longer than they talk")
    func tolerance() {
        var scenario = Scenario()
        var override = Scenario.Override(number: "+1555*")
        override.outcome = .answer
        override.ring = Scenario.Span(1000, 1000)
        override.talk = Scenario.Span(3000, 3000)
        scenario.overrides = [override]
        answered("+15551238888", scenario: scenario)
        _ = order(.speak(text: String(repeating: "a", count: 100), language: "", endsOnDigits: false), at: 1000)
        #expect(at(3999) == [])
        #expect(at(4000) == [.ended(reason: .normal, by: .remote)])
        #expect(at(10_000) == [] && calls.count == 0)
    }

    @Test("press their keys when they are asked for some")
    func digits() {
        answered("+15551230007")
        #expect(order(.collectDigits(length: 1, terminators: "", duration: 5000), at: 1000) == [])
        #expect(at(2000) == [.digits("1"), .orderDone(orders, .digits("1"))])
        _ = order(.collectDigits(length: 3, terminators: "", duration: 5000), at: 2000)
        #expect(at(3000) == [.digits("1")])
        #expect(at(7000) == [.orderDone(orders, .digits("1"))])
        _ = order(.speak(text: String(repeating: "a", count: 100), language: "", endsOnDigits: true), at: 7000)
        #expect(at(8000) == [.digits("1"), .orderDone(orders, .digits("1"))])
        answered("+15551230001")
        _ = order(.collectDigits(length: 1, terminators: "", duration: 5000), at: 1000)
        #expect(at(6000) == [.orderDone(orders, .digits(""))])
    }

    @Test("are machines where their number says so")
    func machines() {
        for (phone, isMachine) in [("+15551230005", true), ("+15551230001", false)] {
            answered(phone)
            _ = order(.detectMachine, at: 1000)
            #expect(at(3000) == [.orderDone(orders, .machine(isMachine))])
        }
        #expect(order(.hangUp(.amd), at: 3000) == [.ended(reason: .amd, by: .local)])
        #expect(calls.count == 0)
    }

    private func leg(_ number: UInt64, _ phone: String) -> CallLeg {
        CallLeg(command: Sample.dial(number, to: phone), owner: Sample.attempt(1))
    }

    @Test("talk to the first who answers")
    func connections() {
        answered("+15551230001")
        _ = order(.connect([leg(11, "+15551239002"), leg(12, "+15551230001")]), at: 1000)
        // The second rings for a second and talks for five.
        #expect(at(6999) == [])
        #expect(at(7000) == [.orderDone(orders, .connected("answered"))])
        _ = order(.connect([leg(13, "+15551230002")]), at: 7000)
        #expect(at(8000) == [.orderDone(orders, .connected("busy"))])
        #expect(order(.connect([]), at: 8000) == [.orderDone(orders, .connected("failed"))])
    }

    private func ring(_ leg: UInt64, timeout: Milliseconds = 20_000, service: Milliseconds = 0) -> AgentRing {
        AgentRing(
            attempt: Sample.attempt(1),
            queuecall: Sample.id(5),
            leg: Sample.id(600 + leg),
            agent: Sample.id(610),
            addresses: [Address(type: "tel", target: "+1900\(leg)")],
            ringTimeout: timeout,
            serviceTimeout: service
        )
    }

    @Test("wait for an agent, talk, and go on; or lose patience")
    func agents() {
        var scenario = Scenario()
        scenario.agents.ring = Scenario.Span(2000, 2000)
        scenario.agents.talk = Scenario.Span(30_000, 30_000)
        var silent = Scenario.AgentOverride(address: "+19001")
        silent.state = .noAnswer
        scenario.agents.overrides = [silent]
        scenario.defaults.patience = Scenario.Span(40_000, 40_000)
        answered("+15551230001", scenario: scenario)
        #expect(order(.hold, at: 1000) == [])
        #expect(order(.ring(ring(1, timeout: 10_000)), at: 1000) == [.agentLeg(ring(1).leg, .ringing)])
        #expect(at(11_000) == [.agentLeg(ring(1).leg, .noAnswer)])
        _ = order(.ring(ring(2, service: 5000)), at: 11_000)
        #expect(at(13_000) == [.agentLeg(ring(2).leg, .answered)])
        // The service time is over; nobody is left waiting.
        #expect(at(18_000) == [.agentLeg(ring(2).leg, .ended)])
        #expect(at(200_000) == [] && calls.count == 1)
        _ = order(.hold, at: 200_000)
        #expect(at(240_000) == [.ended(reason: .normal, by: .remote)])
        #expect(order(.ring(ring(3)), at: 240_000) == [])
    }

    @Test("have all agents ring at once, and talk to the first who answers")
    func allRing() {
        var scenario = Scenario()
        scenario.agents.ring = Scenario.Span(6000, 6000)
        scenario.agents.talk = Scenario.Span(30_000, 30_000)
        var quick = Scenario.AgentOverride(address: "+19002")
        quick.ring = Scenario.Span(2000, 2000)
        var busy = Scenario.AgentOverride(address: "+19003")
        busy.state = .busy
        busy.ring = Scenario.Span(1000, 1000)
        scenario.agents.overrides = [quick, busy]
        scenario.defaults.patience = Scenario.Span(40_000, 40_000)
        answered("+15551230001", scenario: scenario)
        _ = order(.hold, at: 1000)
        for leg in UInt64(1)...3 {
            #expect(order(.ring(ring(leg)), at: 1000) == [.agentLeg(ring(leg).leg, .ringing)])
        }
        #expect(at(2000) == [.agentLeg(ring(3).leg, .busy)])
        #expect(at(3000) == [.agentLeg(ring(2).leg, .answered)])
        #expect(order(.ring(ring(4)), at: 3000) == [.agentLeg(ring(4).leg, .failed)])
        #expect(at(33_000) == [.agentLeg(ring(2).leg, .ended)])
    }

    @Test("are not on the line for longer than any call may be, and leave nothing behind")
    func cut() {
        calls = SimulatedCalls(scenario: Scenario())
        var dial = Sample.dial(to: "+15551230001", maximumTalkTime: 10_000)
        dial.program = Sample.id(700)
        var reports: [CallReport] = []
        calls.place(dial, at: 0, reports: &reports)
        #expect(at(1000) == [.answered])
        _ = order(.pause(3_600_000), at: 1000)
        #expect(at(11_000) == [.ended(reason: .timeout, by: .system)])
        #expect(calls.nextDue == nil)
    }

    @Test("are nobody where a flow runs without a call")
    func pauses() {
        calls = SimulatedCalls(scenario: Scenario())
        #expect(order(.pause(500), at: 0) == [])
        #expect(order(.beep, at: 0) == [])
        #expect(at(500) == [.orderDone(1, .done)])
    }
}
