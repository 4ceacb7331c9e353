import Contracts
import FlowEngine
import TestSupport
import Testing

/// Flows step by step: what they ask for, and where they go with what became of it.
@Suite struct FlowExecutionTests {
    private static let now = Timestamp(microseconds: 1_780_000_000_000_000)

    private func action(
        _ type: String,
        _ option: JSONValue = [:],
        id: UInt64 = 0,
        next: UInt64 = 0
    ) -> FlowAction {
        FlowAction(id: name(id), next: name(next), type: type, option: option)
    }

    private func name(_ number: UInt64) -> ID { number == 0 ? .none : ID(high: 7, low: number) }
    private func text(_ number: UInt64) -> JSONValue { .id(name(number)) }

    private func run(
        _ actions: [FlowAction],
        variables: [String: String] = [:],
        hasCall: Bool = true,
        flows: [ID: [FlowAction]] = [:]
    ) -> FlowExecution {
        FlowExecution(program: FlowProgram(actions: actions, flows: flows), variables: variables, hasCall: hasCall)
    }

    @Test func aReminderAsksAndBranchesOnTheAnswer() throws {
        var flow = run(
            [
                action("talk", ["text": "Hello ${name}, your appointment is on ${day}. Press 1 to confirm."]),
                action("digits_receive", ["length": 1, "duration": 5000]),
                action("branch", ["target_ids": ["1": text(1)], "default_target_id": text(2)]),
                action("variable_set", ["key": "answer", "value": "confirmed"], id: 1, next: 3),
                action("variable_set", ["key": "answer", "value": "open"], id: 2),
                action("talk", ["text": "It is ${answer}."], id: 3),
            ],
            variables: ["name": "Ann", "day": "Monday"]
        )
        var step = flow.begin(at: Self.now)
        let hello = "Hello Ann, your appointment is on Monday. Press 1 to confirm."
        #expect(step.instructions == [.speak(text: hello, language: "", endsOnDigits: false, isAwaited: true)])
        #expect(flow.current?.type == "talk")
        step = flow.resume(.done(result: nil), at: Self.now)
        #expect(step.instructions == [.collectDigits(length: 1, terminators: "", duration: 5000)])
        step = flow.resume(.digits("1"), at: Self.now)
        #expect(
            step.instructions == [.speak(text: "It is confirmed.", language: "", endsOnDigits: false, isAwaited: true)]
        )
        #expect(step.executed.map(\.type) == ["digits_receive", "branch", "variable_set"])
        #expect(step.executed.map(\.result) == ["1 digits", "1", nil])
        #expect(step.variables == ["answer": "confirmed", "voipbin.call.digits": "1"])
        step = flow.resume(.done(result: nil), at: Self.now)
        #expect(step.isEnded && flow.isEnded && flow.current == nil && step.instructions.isEmpty)
        #expect(flow.resume(.done(result: nil), at: Self.now) == FlowStep())
    }

    @Test func aMachineIsHungUpOnWhenTheActionSaysSo() {
        for (handle, isEnded) in [("hangup", true), ("continue", false)] {
            var flow = run([action("amd", ["machine_handle": .string(handle)]), action("beep")])
            #expect(flow.begin(at: Self.now).instructions == [.detectMachine])
            let step = flow.resume(.machine(true), at: Self.now)
            #expect(step.isEnded == isEnded)
            #expect(step.instructions == (isEnded ? [.hangUp(reason: .amd)] : [.beep]))
            #expect(flow.variables["voipbin.amd.result"] == "machine")
        }
    }

    @Test func aGotoJumpsAsOftenAsItSays() {
        var flow = run([
            action("beep", id: 1), action("goto", ["target_id": text(1), "loop_count": 2]), action("stop"),
        ])
        var beeps = 0
        var step = flow.begin(at: Self.now)
        while !step.isEnded {
            #expect(step.instructions == [.beep])
            beeps += 1
            step = flow.resume(.done(result: nil), at: Self.now)
        }
        #expect(beeps == 3)
        #expect(step.executed.map(\.result) == [nil, "no more: 2 of 2", nil])
    }

    @Test func anEndlessFlowEndsAndSaysWhy() {
        var flow = run([action("empty", id: 1), action("goto", ["target_id": text(1)])])
        let step = flow.begin(at: Self.now)
        #expect(step.isEnded)
        #expect(step.executed.count == FlowLimits.actions + 1)
        #expect(step.executed.last?.result?.contains("limit of 1000 actions") == true)
    }

    @Test func aFlowThatBringsInItselfEnds() throws {
        let own = name(50)
        let inner = [action("fetch_flow", ["flow_id": .id(own)])]
        var flow = run(inner, flows: [own: inner])
        let step = flow.begin(at: Self.now)
        #expect(step.isEnded)
        #expect(step.executed.last?.result?.contains("nested 10 deep") == true)
        var flat = run(
            [action("fetch_flow", ["flow_id": .id(own)], id: 1), action("goto", ["target_id": text(1)])],
            flows: [own: [action("empty")]]
        )
        #expect(flat.begin(at: Self.now).executed.last?.result?.contains("limit of 100 fetches") == true)
    }

    @Test func anotherFlowRunsInItsPlaceAndTheOwnGoesOn() {
        let other = name(50)
        var flow = run(
            [action("fetch_flow", ["flow_id": .id(other)]), action("beep")],
            flows: [other: [action("sleep", ["duration": 100])]]
        )
        #expect(flow.begin(at: Self.now).instructions == [.pause(100)])
        #expect(flow.resume(.done(result: nil), at: Self.now).instructions == [.beep])
        #expect(flow.resume(.done(result: nil), at: Self.now).isEnded)
    }

    @Test func actionsThatAreFetchedRunInPlace() {
        var flow = run([action("fetch", ["event_url": "https://example.com/next"]), action("stop")])
        let request = WebMessage(method: "GET", url: "https://example.com/next")
        #expect(flow.begin(at: Self.now).instructions == [.fetch(request)])
        let body = "[{\"type\":\"beep\"},{\"type\":\"magic\"},7]"
        #expect(flow.resume(.answered(status: 200, body: body), at: Self.now).instructions == [.beep])
        let step = flow.resume(.done(result: nil), at: Self.now)
        #expect(step.isEnded)
        #expect(step.executed.map(\.result) == [nil, "skipped: this version does not do it", nil])
        for outcome in [FlowOutcome.answered(status: 500, body: ""), .failed(reason: "no answer")] {
            var failing = run([action("fetch", ["event_url": "https://example.com/next"]), action("beep")])
            _ = failing.begin(at: Self.now)
            let after = failing.resume(outcome, at: Self.now)
            #expect(after.instructions == [.beep])
            #expect(after.executed.first?.result?.hasPrefix("failed") == true)
        }
    }

    @Test func withoutACallWhatNeedsOneIsSkipped() {
        var flow = run(
            [action("talk", ["text": "hello"]), action("message_send", ["text": "hi ${name}"])],
            variables: ["name": "Ann"],
            hasCall: false
        )
        let step = flow.begin(at: Self.now)
        #expect(step.executed.map(\.result) == ["skipped: it needs a call"])
        #expect(step.instructions == [.sendMessage(source: nil, destinations: [], text: "hi Ann")])
    }

    @Test func nobodyIsWaitedForWhoNeedNotAnswer() {
        var flow = run([
            action("webhook_send", ["uri": "https://example.com/${x}", "data": ["a": "${y}"]]),
            action("talk", ["text": "music", "async": true]), action("beep"),
        ])
        let step = flow.begin(at: Self.now)
        #expect(step.instructions.count == 3 && step.instructions.last == .beep)
        #expect(step.executed.map(\.result) == ["begun", "begun"])
        guard case .sendWebhook(let message) = step.instructions.first else {
            Issue.record("\(step.instructions)")
            return
        }
        #expect(message.body == "{\"a\":\"\"}" && message.url == "https://example.com/")
    }

    @Test func anOptOutIsSaidOnce() {
        var flow = run([
            action("variable_set", ["key": "carillon.opt_out", "value": "true"]),
            action("variable_set", ["key": "carillon.opt_out", "value": "false"]),
        ])
        #expect(flow.begin(at: Self.now).optOuts == ["true"])
    }

    @Test func aRunThatIsEndedFromOutsideSaysWhereItWas() {
        var flow = run([action("talk", ["text": "hello"]), action("beep")])
        _ = flow.begin(at: Self.now)
        let step = flow.end("the caller hung up", at: Self.now)
        #expect(step.isEnded && step.executed.map(\.result) == ["the caller hung up"])
        #expect(flow.end("again", at: Self.now) == FlowStep())
    }

    @Test(arguments: [
        ("==", "number", "7", true), ("!=", "number", "7", false), (">", "number", "8", true),
        (">=", "number", "7.0", true), ("<", "number", "x", false), ("!=", "number", "x", true),
        ("==", "string", "seven", true), ("==", "length", "four", true), (">", "length", "four", false),
    ])
    func aVariableIsComparedAsItsTypeSays(_ word: String, _ type: String, _ value: String, _ holds: Bool) {
        let option: JSONValue = [
            "condition": .string(word), "variable": "x", "value_type": .string(type), "value_number": 7,
            "value_string": "seven", "value_length": 4, "false_target_id": text(1),
        ]
        var flow = run(
            [action("condition_variable", option), action("stop"), action("beep", id: 1)],
            variables: ["x": value]
        )
        let step = flow.begin(at: Self.now)
        #expect(step.instructions.isEmpty == holds)
    }

    @Test func aMomentIsComparedInUTC() throws {
        // 2024-02-29 was a Thursday.
        let leap = try #require(Timestamp(parsing: "2024-02-29 13:45:10"))
        let options: [(JSONValue, Bool)] = [
            (["condition": "==", "hour": 13, "minute": 45, "day": 29, "month": 2], true),
            (["condition": "==", "hour": 13, "minute": -1], true), (["condition": ">=", "hour": 14], false),
            (["condition": "<", "hour": 14], true), (["condition": "==", "weekdays": [4]], true),
            (["condition": "==", "weekdays": [0, 1, 2, 3]], false), (["condition": "!=", "month": 2], false),
        ]
        for (option, holds) in options {
            guard case .object(var object) = option else { continue }
            object.append("false_target_id", text(1))
            var flow = run([
                action("condition_datetime", .object(object)), action("stop"), action("beep", id: 1),
            ])
            #expect(flow.begin(at: leap).instructions.isEmpty == holds, "\(option)")
        }
    }

    @Test(arguments: [Int64.max, .min, -1]) func timesThatNobodyCheckedAreKeptInTheirRange(given: Int64) throws {
        for type in ["sleep", "digits_receive", "digits_send"] {
            let option: JSONValue = [
                "duration": .integer(given), "interval": .integer(given), "length": .integer(given), "digits": "1",
            ]
            var flow = run([action(type, option)])
            switch flow.begin(at: Self.now).instructions.first {
            case .pause(let time): #expect((0...FlowLimits.longestPause).contains(time.count))
            case .collectDigits(let length, _, let time):
                #expect((0...1000).contains(length) && (0...FlowLimits.longestPause).contains(time.count))
            case .sendDigits(_, let duration, let interval):
                #expect((100...1000).contains(duration.count) && (0...5000).contains(interval.count))
            case let other: Issue.record("\(type): \(String(describing: other))")
            }
        }
    }

    @Test func variablesThatHoldTooMuchTogetherAreRefused() {
        var variables = FlowVariables()
        let value = String(repeating: "x", count: FlowLimits.textBytes)
        let kept = (0..<10).count { variables.set("v\($0)", value) }
        #expect(kept == FlowLimits.variableBytes / FlowLimits.textBytes)
        #expect(variables.set("v0", "short") && variables.set("v9", "short"))
    }

    @Test func textsKeepWhatIsNoVariable() {
        let variables = FlowVariables(["a": "1", "loop": "${a}"])
        #expect(variables.fill("${a}${ a }-${b}-$a-${loop}-${open") == "11--$a-${a}-${open")
        #expect(variables.named("a") == "1" && variables.named("x${a}") == "x1")
        var long = FlowVariables()
        long.set("x", String(repeating: "é", count: 40_000))
        #expect(long["x"].utf8.count == FlowLimits.textBytes)
    }
}

/// Whatever somebody gives as actions, and whatever becomes of them, a flow ends.
@Suite struct FlowPropertyTests {
    private struct Source {
        var random: SplitMix
        mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
    }

    private static let types = [
        "answer", "amd", "talk", "play", "beep", "digits_receive", "branch", "goto", "condition_variable",
        "condition_datetime", "condition_call_digits", "connect", "queue_join", "call", "hangup", "stop", "sleep",
        "variable_set", "webhook_send", "fetch", "fetch_flow", "message_send", "empty", "block", "nonsense",
    ]

    private func actions(_ source: inout Source, flows: [ID]) -> [FlowAction] {
        let count = source.below(12)
        let ids = (0..<count).map { ID(high: 9, low: UInt64($0 + 10)) }
        let targets =
            ids + [.none, ReservedAction.start, ReservedAction.finish, ReservedAction.next, ID(high: 1, low: 1)]
        return ids.map { id in
            let type = source.pick(Self.types)
            var option: JSONObject = [
                "target_id": .id(source.pick(targets)), "false_target_id": .id(source.pick(targets)),
                "default_target_id": .id(source.pick(targets)),
                "target_ids": ["1": .id(source.pick(targets)), "": .id(source.pick(targets))],
                "condition": .string(source.pick(["==", "!=", ">="])), "variable": "x", "value_type": "string",
                "value_string": .string(source.pick(["", "1"])), "key": "x",
                "value": .string(source.pick(["1", "${x}${x}", ""])), "flow_id": .id(source.pick(flows)),
            ]
            if source.below(2) == 0 { option.append("loop_count", .integer(source.below(5))) }
            return FlowAction(
                id: source.below(3) == 0 ? .none : id,
                next: source.below(4) == 0 ? source.pick(targets) : .none,
                type: type,
                option: .object(option)
            )
        }
    }

    @Test func anyFlowEnds() {
        for seed in UInt64(1)...500 {
            var source = Source(random: SplitMix(seed: seed))
            let flows = (0..<3).map { ID(high: 8, low: UInt64($0 + 1)) }
            var program = FlowProgram(actions: actions(&source, flows: flows))
            for flow in flows { program.flows[flow] = actions(&source, flows: flows) }
            var flow = FlowExecution(program: program, variables: [:], hasCall: source.below(3) > 0)
            let now = Timestamp(microseconds: Int64(seed) * 1_000_000_007)
            var step = flow.begin(at: now)
            var turns = 0
            var executed = step.executed.count
            let body = "[{\"type\":\"fetch\",\"option\":{\"event_url\":\"x\"}},{\"type\":\"goto\",\"option\":{}}]"
            while !step.isEnded, turns <= 2 * FlowLimits.actions {
                #expect(flow.current != nil, "seed \(seed): it neither waits nor ended")
                let isAnyAwaited = step.instructions.dropLast().contains { !$0.isForgotten }
                #expect(!isAnyAwaited, "seed \(seed)")
                turns += 1
                step = flow.resume(
                    source.pick([
                        .done(result: nil), .digits("1"), .machine(true), .connected(result: "busy"),
                        .answered(status: 200, body: body), .failed(reason: "no"),
                    ]),
                    at: now
                )
                executed += step.executed.count
            }
            #expect(step.isEnded && flow.isEnded && flow.current == nil, "seed \(seed): it goes on")
            #expect(executed <= FlowLimits.actions + 1, "seed \(seed)")
        }
    }
}
