import Contracts
import DialerWorker
import Testing

@Suite("A flow on the worker")
struct WorkerFlowTests {
    private let directory = TemporaryDirectory()
    private func bench(channels: Int = 10) throws -> FlowBench {
        try FlowBench(directory.file("dialer-worker.1.db"), channels: channels)
    }
    private let talk = FlowBench.action("talk", ["text": "Hello ${name}, ${day}?"])
    private let join = FlowBench.action("queue_join", ["queue_id": .id(FlowBench.queue)])

    private func what(_ effects: WorkerEffects) -> [CallOrder.What] { effects.orders.map(\.what) }

    private func steps(_ notes: [FlowNote]) -> [FlowSteps] {
        notes.compactMap { if case .progressed(let steps) = $0 { steps } else { nil } }
    }

    @Test func itBeginsWithTheAnswerAndEndsTheCall() throws {
        let bench = try bench()
        let effects = try bench.begin([talk])
        #expect(what(effects) == [.speak(text: "Hello Ann, Monday?", language: "", endsOnDigits: false)])
        let ended = try bench.report(.orderDone(1, .done))
        #expect(what(ended) == [.hangUp(.normal)])
        // A report of an order that is not awaited (any more) says nothing.
        #expect(try bench.report(.orderDone(1, .done)).orders.isEmpty)
        try bench.report(.ended(reason: .normal, by: .local))
        #expect(
            try bench.types() == [
                "attempt_claimed", "call_progressing", "flow_progressed", "flow_progressed", "call_hangup",
            ]
        )
        let told = steps(try bench.notes())
        #expect(told.map(\.status) == [.running, .ended])
        #expect(told[0].current?.type == "talk" && told[0].executed.isEmpty)
        #expect(told[1].executed.map(\.type) == ["talk"])
        #expect(bench.core.free == 10)
    }

    @Test func whoHangsUpEndsTheFlowFirst() throws {
        let bench = try bench()
        try bench.begin([talk, talk])
        try bench.report(.ended(reason: .normal, by: .remote))
        #expect(try bench.types().suffix(2) == ["flow_progressed", "call_hangup"])
        let last = try #require(steps(try bench.notes()).last)
        #expect(last.status == .ended && last.executed.map(\.result) == ["the call ended"])
        #expect(try bench.report(.orderDone(1, .done)).orders.isEmpty)
    }

    @Test func withoutItsProgramNothingIsPlaced() throws {
        let bench = try bench()
        #expect(try bench.tell(.dial(FlowBench.dial())).place.isEmpty)
        #expect(try bench.events() == [.refused(attempt: Sample.attempt(1), reason: "no_program")])
    }

    @Test func programsSurviveTheProcessAndItsFlowsDoNot() throws {
        let bench = try bench()
        try bench.begin([talk])
        try bench.restart()
        #expect(try bench.types().last == "call_hangup")
        guard case .hangup(_, "outcome_unknown", "system")? = try bench.events().last else {
            Issue.record("\(try bench.types())")
            return
        }
        #expect(try bench.tell(.dial(FlowBench.dial(2))).place.count == 1)
        #expect(try bench.report(.answered, 2).orders.count == 1)
    }

    @Test func aProgramThatIsGivenTwiceIsKeptOnce() throws {
        let bench = try bench()
        try bench.begin([talk])
        try bench.tell(.program(Program(id: FlowBench.program, actions: [])))
        try bench.restart()
        #expect(try bench.tell(.dial(FlowBench.dial(2))).place.count == 1)
        #expect(try bench.report(.answered, 2).orders.count == 1)
    }

    @Test func aMessageGoesToTheTargetAndEndsTheAttempt() throws {
        let bench = try bench()
        let send = FlowBench.action("message_send", ["text": "Hello ${name}"])
        let effects = try bench.begin([talk, send], kind: .message)
        #expect(effects.orders.isEmpty)
        let errand = try #require(effects.errands.first)
        let own = Address(type: "tel", target: "+15551230001")
        #expect(errand.what == .message(source: nil, destinations: [own], text: "Hello Ann"))
        try bench.turn(.errandDone(Sample.attempt(1), number: try #require(errand.number), .sent))
        #expect(
            try bench.types() == [
                "attempt_claimed", "call_progressing", "flow_progressed", "flow_progressed", "call_hangup",
            ]
        )
        let results = steps(try bench.notes()).flatMap(\.executed).map(\.result)
        #expect(results == ["skipped: it needs a call", "sent"])
        guard case .hangup(_, "normal", "local")? = try bench.events().last else {
            Issue.record("\(try bench.events())")
            return
        }
        #expect(bench.core.free == 10)
    }

    @Test func aMessageThatCannotBeSentHasFailed() throws {
        let bench = try bench()
        let errand = try #require(
            try bench.begin([FlowBench.action("message_send", ["text": "x"])], kind: .message).errands.first
        )
        try bench.turn(.errandDone(Sample.attempt(1), number: errand.number ?? 0, .failed(reason: "no room")))
        guard case .hangup(_, "failed", "local")? = try bench.events().last else {
            Issue.record("\(try bench.events())")
            return
        }
        #expect(steps(try bench.notes()).flatMap(\.executed).map(\.result) == ["failed: no room"])
    }

    @Test func aWebServerThatFailsStopsNoFlow() throws {
        let bench = try bench()
        let fetch = FlowBench.action("fetch", ["event_url": "https://example.com/${day}"])
        let errand = try #require(try bench.begin([fetch, talk]).errands.first)
        let request = WebRequest(method: "GET", url: "https://example.com/Monday", contentType: "", body: "")
        #expect(errand.what == .web(request))
        let effects = try bench.turn(
            .errandDone(Sample.attempt(1), number: errand.number ?? 0, .failed(reason: "no answer"))
        )
        #expect(effects.orders.count == 1)
    }

    @Test func aFlowWithoutACallEndsAfterAnHour() throws {
        let hour: Milliseconds = 3_600_000
        let sleep = FlowBench.action("sleep", ["duration": 3_000_000])
        let bench = try bench()
        #expect(what(try bench.begin([sleep, sleep, talk], kind: .flow)) == [.pause(3_000_000)])
        bench.now = Sample.start + 3_000_000
        #expect(what(try bench.report(.orderDone(1, .done))) == [.pause(600_000)], "what fits")
        bench.now = Sample.start + hour
        try bench.report(.orderDone(2, .done))
        let last = try #require(steps(try bench.notes()).last)
        #expect(last.status == .ended && last.executed.map(\.result) == ["time_limit"])
        guard case .hangup(_, "timeout", "local")? = try bench.events().last else {
            Issue.record("\(try bench.events())")
            return
        }
        #expect(bench.core.free == 10)

        // A server's answer comes later still; one on a call goes on.
        let fetch = FlowBench.action("fetch", ["event_url": "https://example.com/"])
        let other = try FlowBench(directory.file("other.db"))
        try other.begin([fetch, talk], kind: .message)
        other.now = Sample.start + hour
        try other.turn(.errandDone(Sample.attempt(1), number: 1, .answered(status: 200, body: "[]")))
        #expect(try other.types().last == "call_hangup")
        let call = try FlowBench(directory.file("call.db"))
        try call.begin([sleep, talk])
        call.now = Sample.start + hour
        #expect(try call.report(.orderDone(1, .done)).orders.count == 1)
    }

    // MARK: - Queues

    private func ring(_ leg: UInt64 = 1, _ attempt: UInt64 = 1) -> AgentRing {
        AgentRing(
            attempt: Sample.attempt(attempt),
            queuecall: .queuecall(of: Sample.attempt(attempt), entry: 0),
            leg: Sample.id(600 + leg),
            agent: Sample.id(610),
            addresses: [],
            ringTimeout: 20_000,
            serviceTimeout: 0
        )
    }

    private func legs(_ bench: FlowBench) throws -> [AgentLegReport.State] {
        try bench.notes().compactMap { if case .agentLeg(_, let state) = $0 { state } else { nil } }
    }

    @Test func aCallerWaitsTalksAndTheFlowGoesOn() throws {
        let bench = try bench()
        #expect(what(try bench.begin([join, talk])) == [.hold])
        let queuecall = ID.queuecall(of: Sample.attempt(1), entry: 0)
        let joined = FlowNote.queueJoined(
            attempt: Sample.attempt(1),
            queuecall: queuecall,
            queue: FlowBench.queue
        )
        #expect(try bench.notes().contains(joined))
        #expect(what(try bench.tell(.ringAgent(ring()))) == [.ring(ring())])
        // Repeated, it is rung once.
        #expect(try bench.tell(.ringAgent(ring())).orders.isEmpty)
        try bench.report(.agentLeg(ring().leg, .ringing))
        try bench.report(.agentLeg(ring().leg, .noAnswer))
        #expect(what(try bench.tell(.ringAgent(ring(2)))) == [.ring(ring(2))])
        try bench.report(.agentLeg(ring(2).leg, .ringing))
        try bench.report(.agentLeg(ring(2).leg, .answered))
        // Who talks does not leave.
        let leave = Item.Body.leaveQueue(attempt: Sample.attempt(1), queuecall: queuecall, reason: "wait_timeout")
        #expect(try bench.tell(leave).orders.isEmpty)
        #expect(try bench.report(.agentLeg(ring(2).leg, .ended)).orders.count == 1)
        #expect(try legs(bench) == [.ringing, .noAnswer, .ringing, .answered, .ended])
        let kinds = try bench.announcements().compactMap { if case .item(let item) = $0 { item.kind } else { nil } }
        #expect(kinds.filter { $0 == "agent_leg" }.count == 5 && kinds.filter { $0 == "queue_joined" }.count == 1)
    }

    @Test func whoIsToBeRungTooLateIsNotRungAndTheCallerWaitsOn() throws {
        let bench = try bench()
        try bench.begin([join])
        var late = ring()
        late.ringBy = Sample.start + -1
        for _ in 1...2 { #expect(try bench.tell(.ringAgent(late)).orders.isEmpty) }
        #expect(try legs(bench) == [.late])
        var inTime = ring(2)
        inTime.ringBy = Sample.start
        #expect(what(try bench.tell(.ringAgent(inTime))) == [.ring(inTime)])
    }

    @Test func aCallerWhoLeavesGoesOnBehindTheQueue() throws {
        let bench = try bench()
        try bench.begin([join, talk])
        let queuecall = ID.queuecall(of: Sample.attempt(1), entry: 0)
        let effects = try bench.tell(
            .leaveQueue(attempt: Sample.attempt(1), queuecall: queuecall, reason: "wait_timeout")
        )
        #expect(what(effects).first == .leave && effects.orders.count == 2)
        #expect(steps(try bench.notes()).last?.executed.map(\.result) == ["wait_timeout"])
    }

    @Test func ofAllAgentsWhoAreRungTheFirstWhoAnswersHasTheCaller() throws {
        let bench = try bench()
        try bench.begin([join, talk])
        for leg in UInt64(1)...4 { #expect(what(try bench.tell(.ringAgent(ring(leg)))) == [.ring(ring(leg))]) }
        for leg in UInt64(1)...4 { try bench.report(.agentLeg(ring(leg).leg, .ringing)) }
        // One who does not answer does not end the others.
        try bench.report(.agentLeg(ring(4).leg, .noAnswer))
        try bench.report(.agentLeg(ring(2).leg, .answered))
        let told = try bench.notes().compactMap { note -> String? in
            guard case .agentLeg(let leg, let state) = note, state != .ringing else { return nil }
            let number = (UInt64(1)...4).first { ring($0).leg == leg.leg } ?? 0
            return "\(number) \(state.rawValue)"
        }
        #expect(told == ["4 no_answer", "2 answered", "1 ended", "3 ended"])
        // What crossed that changes nothing, and whoever comes now is not rung.
        try bench.report(.agentLeg(ring(1).leg, .answered))
        #expect(try bench.tell(.ringAgent(ring(5))).orders.isEmpty)
        #expect(try bench.report(.agentLeg(ring(3).leg, .ended)).orders.isEmpty)
        #expect(try bench.report(.agentLeg(ring(2).leg, .ended)).orders.count == 1)
        #expect(try legs(bench).filter { $0 != .ringing } == [.noAnswer, .answered, .ended, .ended, .ended, .ended])
    }

    @Test func whoHangsUpWhileAnAgentRingsEndsThatRing() throws {
        let bench = try bench()
        try bench.begin([join])
        try bench.tell(.ringAgent(ring()))
        try bench.report(.agentLeg(ring().leg, .ringing))
        try bench.report(.ended(reason: .normal, by: .remote))
        #expect(try legs(bench) == [.ringing, .ended])
        #expect(try bench.types().suffix(3) == ["flow_agent_leg", "flow_progressed", "call_hangup"])
        // An order that crossed the end is answered, so that nobody waits for its agent.
        #expect(try bench.tell(.ringAgent(ring(2))).orders.isEmpty)
        #expect(try legs(bench) == [.ringing, .ended, .ended])
    }

    @Test func aStoppedFlowEndsItsCall() throws {
        let bench = try bench()
        try bench.begin([talk, talk])
        #expect(try bench.tell(.stopFlow(attempt: Sample.attempt(1))).hangUpForUs == [Sample.attempt(1)])
        #expect(steps(try bench.notes()).last?.executed.map(\.result) == ["stopped"])
        try bench.report(.ended(reason: .normal, by: .local))
        #expect(try bench.types().last == "call_hangup")
        let other = try FlowBench(directory.file("other.db"))
        try other.begin([FlowBench.action("sleep", ["duration": 60_000])], kind: .flow)
        try other.tell(.stopFlow(attempt: Sample.attempt(1)))
        #expect(try other.types().last == "call_hangup" && other.core.free == 10)
    }

    // MARK: - Others

    @Test func anOptOutIsToldToOutdialManager() throws {
        let bench = try bench()
        try bench.begin([
            FlowBench.action("variable_set", ["key": "carillon.opt_out", "value": "true"]), talk,
        ])
        let told = try bench.announcements().compactMap { announcement -> OptOut? in
            guard case .outdialItem(let item) = announcement, case .optOut(let optOut) = item.body else { return nil }
            return optOut
        }
        #expect(told.map(\.number) == ["+15551230001"] && told.map(\.outdial) == [Sample.id(800)])
    }

    @Test func filesAreLookedAtBeforeTheyArePlayed() throws {
        let bench = try bench()
        let urls = ["https://example.com/a.wav", "http://10.0.0.1/b.wav"]
        let play = FlowBench.action("play", ["stream_urls": .array(urls.map { .string($0) })])
        let effects = try bench.begin([play, play, talk])
        #expect(effects.orders.isEmpty && effects.errands.map(\.what) == [.files(urls)])
        // One of them can be played, and of the second time none.
        let problem = "1 of 2 not played: blocked"
        let found = WorkerInput.errandDone(Sample.attempt(1), number: 1, .found([urls[0]], problem: problem))
        #expect(what(try bench.turn(found)) == [.play(urls: [urls[0]])])
        #expect(try bench.report(.orderDone(1, .done)).errands.count == 1)
        let none = WorkerInput.errandDone(Sample.attempt(1), number: 2, .found([], problem: "2 of 2 not played: no"))
        #expect(try bench.turn(none).orders.count == 1)
        let results = steps(try bench.notes()).flatMap(\.executed).map(\.result)
        #expect(results == [problem, "failed: 2 of 2 not played: no"])
    }
}
