import Contracts
import DialerWorker
import Service
import Testing

@Suite("The calls that a flow places")
struct FlowLegTests {
    private let directory = TemporaryDirectory()
    private func bench(channels: Int = 10) throws -> FlowBench {
        try FlowBench(directory.file("dialer-worker.1.db"), channels: channels)
    }
    private let talk = FlowBench.action("talk", ["text": "bye"])
    private let three: JSONValue = [
        ["target": "+15551239001"], ["target": "+15551239002"], ["target": "+15551239003"],
    ]
    private var call: JSONValue {
        let inner = FlowBench.action("talk", ["text": "come, ${name}"])
        return FlowBench.action("call", ["destinations": three, "actions": [inner]])
    }
    private var connect: JSONValue { FlowBench.action("connect", ["destinations": three, "relay_reason": true]) }

    /// What outdial-manager says of the calls that are asked about; those at `listed` are on a list.
    private func answer(_ check: LegCheck, listed: Set<Int> = []) -> WorkerInput {
        let answers = check.legs.enumerated().map { index, leg in
            (leg.command.attempt, listed.contains(index) ? NumberScreening.listed([]) : .clear([]))
        }
        return .legsScreened(check.attempt, number: check.number, Dictionary(uniqueKeysWithValues: answers))
    }

    private func results(_ bench: FlowBench) throws -> [String?] {
        let steps = try bench.notes().compactMap { if case .progressed(let steps) = $0 { steps } else { nil } }
        return steps.flatMap(\.executed).map(\.result)
    }

    private func refused(_ bench: FlowBench) throws -> [String] {
        try bench.notes().compactMap {
            if case .legRefused(_, _, let who, let why) = $0 { who.target + " " + why } else { nil }
        }
    }

    @Test func takeChannelsAndRunActionsOfTheirOwn() throws {
        let bench = try bench(channels: 3)
        let asked = try bench.begin([call, talk])
        #expect(asked.orders.isEmpty && bench.core.free == 2)
        let check = try #require(asked.checks.first)

        let effects = try bench.turn(answer(check))

        guard case .call(let legs)? = effects.orders.first?.what else {
            Issue.record("\(effects.orders)")
            return
        }
        #expect(legs.map(\.command.destination.target) == ["+15551239001", "+15551239002"])
        #expect(legs.allSatisfy { $0.owner == Sample.attempt(1) } && Set(legs.map(\.command.attempt)).count == 2)
        #expect(bench.core.free == 0 && effects.orders.count == 2, "the flow goes on at once")
        #expect(try results(bench) == ["2 begun, 1 no_channel"])
        let leg = legs[0].command.attempt
        let answered = try bench.turn(.report(CallReport(attempt: leg, what: .answered)))
        #expect(answered.orders.map(\.what) == [.speak(text: "come, Ann", language: "", endsOnDigits: false)])
        #expect(answered.orders.first?.attempt == leg)
        try bench.turn(.report(CallReport(attempt: leg, what: .ended(reason: .normal, by: .remote))))
        #expect(bench.core.free == 1)
        #expect(try bench.notes().contains(.legEnded(attempt: Sample.attempt(1), leg: leg, reason: "normal")))
        // A repeated answer places nobody again.
        #expect(try bench.turn(answer(check)).orders.isEmpty)
    }

    @Test func whoeverIsConnectedIsKeptBeforeTheyAreCalled() throws {
        let bench = try bench()
        let agent: JSONValue = ["destinations": [["target": "+15551239001"], ["type": "agent", "target": "x"]]]
        let asked = try bench.begin([FlowBench.action("connect", agent), talk])
        let effects = try bench.turn(answer(try #require(asked.checks.first)))
        guard case .connect(let legs)? = effects.orders.first?.what else {
            Issue.record("\(effects.orders)")
            return
        }
        #expect(legs.count == 1)
        let placed = FlowNote.legPlaced(
            attempt: Sample.attempt(1),
            leg: legs[0].command.attempt,
            destination: legs[0].command.destination
        )
        #expect(try bench.notes().contains(placed))
        let next = try bench.report(.orderDone(effects.orders[0].number, .connected("answered")))
        #expect(next.orders.count == 1)
        #expect(try results(bench) == ["answered"])
    }

    @Test func whoIsOnAListIsNotCalledAndTheOthersAre() throws {
        for action in [call, connect] {
            let bench = try FlowBench(directory.file("\(ID.none)-\(action["type"].text).db"))
            let asked = try bench.begin([action, talk])
            let effects = try bench.turn(answer(try #require(asked.checks.first), listed: [1]))
            let called: [CallLeg]
            switch effects.orders.first?.what {
            case .call(let legs)?, .connect(let legs)?: called = legs
            default: called = []
            }
            #expect(called.map(\.command.destination.target) == ["+15551239001", "+15551239003"])
            #expect(try refused(bench) == ["+15551239002 do_not_call"])
        }
    }

    @Test func aNumberThatHasACallIsNotRung() throws {
        for action in [call, connect] {
            let bench = try FlowBench(directory.file("busy-\(action["type"].text).db"))
            let check = try #require(try bench.begin([action, talk]).checks.first)
            let ids = check.legs.map(\.command.attempt)
            let answers: [ID: NumberScreening] = [
                ids[0]: .clear([]), ids[1]: .busy(by: Sample.attempt(9)), ids[2]: .clear([]),
            ]
            try bench.turn(.legsScreened(check.attempt, number: check.number, answers))
            #expect(try refused(bench) == ["+15551239002 number_busy"])
        }
    }

    @Test func theOwnNumberIsRungByAFlowWithoutACallOnly() throws {
        let own = FlowBench.action("call", ["destinations": [["target": "+15551230001"]], "actions": [talk]])
        for (kind, isRung) in [(DialCommand.Kind.flow, true), (.call, false)] {
            let bench = try FlowBench(directory.file("own-\(isRung).db"))
            let check = try #require(try bench.begin([own, talk], kind: kind).checks.first)
            let answers = [check.legs[0].command.attempt: NumberScreening.busy(by: Sample.attempt(1))]
            let effects = try bench.turn(.legsScreened(check.attempt, number: check.number, answers))
            let isPlaced = effects.orders.contains { if case .call = $0.what { true } else { false } }
            #expect(isPlaced == isRung)
            #expect(try refused(bench) == (isRung ? [] : ["+15551230001 number_busy"]))
        }
    }

    @Test func nobodyIsCalledWhenAllAreListedOrNobodyAnswers() throws {
        for (index, reason) in ["do_not_call", "unchecked"].enumerated() {
            for action in [call, FlowBench.action("connect", ["destinations": three])] {
                let bench = try FlowBench(directory.file("\(reason)-\(action["type"].text).db"))
                let check = try #require(try bench.begin([action, talk]).checks.first)
                let effects = try bench.turn(
                    index == 0
                        ? answer(check, listed: [0, 1, 2]) : .legsScreened(check.attempt, number: check.number, [:])
                )
                #expect(effects.orders.map(\.what) == [.speak(text: "bye", language: "", endsOnDigits: false)])
                #expect(try results(bench) == [reason] && refused(bench).count == 3)
                #expect(bench.core.free == 9)
            }
        }
    }

    @Test func aCallThatEndsBecauseNobodyMayBeConnectedStillCountsAsPlaced() throws {
        let bench = try bench()
        let check = try #require(try bench.begin([connect]).checks.first)
        let effects = try bench.turn(answer(check, listed: [0, 1, 2]))
        #expect(effects.orders.map(\.what) == [.hangUp(.doNotCall)])
        try bench.report(.ended(reason: .doNotCall, by: .local))
        guard case .hangup(_, "failed", "local")? = try bench.events().last else {
            Issue.record("\(try bench.events())")
            return
        }
    }

    @Test func anAnswerThatComesAfterTheCallPlacesNobody() throws {
        let bench = try bench()
        let check = try #require(try bench.begin([call, talk]).checks.first)
        try bench.report(.ended(reason: .normal, by: .remote))
        let effects = try bench.turn(answer(check))
        #expect(effects.orders.isEmpty && bench.core.free == 10)
        #expect(try !bench.types().contains("flow_leg_placed"))
    }

    // MARK: - The shell

    /// Says of every number that it is listed.
    private struct Listing: NumberCheck {
        func screen(_ commands: [DialCommand]) async -> [ID: NumberScreening] {
            Dictionary(uniqueKeysWithValues: commands.map { ($0.attempt, .listed([])) })
        }
    }

    @Test func everyCheckIsAnswered() async throws {
        let bench = try bench()
        let check = try #require(try bench.begin([call]).checks.first)
        let (inputs, continuation) = AsyncStream.makeStream(of: [WorkerInput].self)
        let screen = LegScreen(check: Listing())
        screen.connect { continuation.yield($0) }
        screen.begin([check])
        let running = Task { try await screen.run() }
        var iterator = inputs.makeAsyncIterator()
        guard case .legsScreened(check.attempt, check.number, let answers)? = await iterator.next()?.first else {
            Issue.record("no answer")
            return
        }
        #expect(answers.count == 3 && answers.values.allSatisfy { $0 == .listed([]) })
        running.cancel()
        try await running.value
    }
}
