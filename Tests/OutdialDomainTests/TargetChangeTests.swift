import Contracts
import OutdialDomain
import TestSupport
import Testing

@Suite struct TargetChangeTests {
    static let plan = DialPlan(maximumTries: [1, 1, 0, 0, 0], tryInterval: 60_000)
    static let two: [Address?] = [tel("+15550000001"), tel("+15550000002")]

    /// Tried once and failed under a plan of one try for the first destination only.
    static func failed(_ reason: HangupReason = .busy) throws -> Target {
        let single = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000)
        let events = [TargetRulesTests.created(two), TargetRulesTests.leased(10)]
        let target = try #require(given(Target.self, events))
        let end = target.finish(TargetRulesTests.finished(10, .placed, reason, at: 5), plan: single)
        return try #require(given(Target.self, events + end))
    }

    static func changed(_ target: Target, _ json: JSONValue) throws -> Target {
        var state: Target? = target
        for event in try target.update(body: try body(json)) { Target.evolve(&state, event, at: moment(60)) }
        return try #require(state)
    }

    // MARK: - Updates

    @Test func `the given fields change and the others stay`() throws {
        let target = try #require(given(Target.self, [TargetRulesTests.created(Self.two)]))
        let changed = try Self.changed(target, ["name": "Ann", "priority": 0, "data": ["a": 1]])
        #expect(changed.name == "Ann")
        #expect(changed.priority == 0)
        #expect(changed.data == #"{"a":1}"#)
        #expect(changed.destinations == target.destinations)
        #expect(changed.updatedAt == moment(60))
    }

    @Test func `what is so already is no event`() throws {
        let target = try #require(given(Target.self, [TargetRulesTests.created(Self.two)]))
        #expect(try target.update(body: try body(["name": "", "destination_0": ["target": "+15550000001"]])) == [])
    }

    @Test func `a changed destination keeps the tries that were used on it`() throws {
        let changed = try Self.changed(try Self.failed(), ["destination_0": ["target": "+15550000009"]])
        #expect(changed.destinations[0] == tel("+15550000009"))
        #expect(changed.tryCounts == [1, 0, 0, 0, 0])
    }

    @Test func `a done target stays done when its destinations change`() throws {
        let changed = try Self.changed(try Self.failed(), ["destination_2": ["target": "+15550000009"]])
        #expect(changed.status == .done)
        #expect(changed.result == "fail")
    }

    @Test func `a destination is taken away by null, the last one is not`() throws {
        let target = try #require(given(Target.self, [TargetRulesTests.created(Self.two)]))
        #expect(try Self.changed(target, ["destination_0": .null]).destinations[0] == nil)
        let both: JSONValue = ["destination_0": .null, "destination_1": ""]
        let refusal = #expect(throws: Refusal.self) { try target.update(body: try body(both)) }
        #expect(refusal?.status == .invalidArgument)
        #expect(refusal?.message.contains("destination_0") == true)
    }

    @Test func `destinations do not change while an attempt is under way, the rest does`() throws {
        let target = try #require(
            given(Target.self, [TargetRulesTests.created(Self.two), TargetRulesTests.leased(10)])
        )
        let refusal = #expect(throws: Refusal.self) {
            try target.update(body: try body(["destination_1": ["target": "+15550000009"]]))
        }
        #expect(refusal?.reason == "STATE_INVALID")
        #expect(try Self.changed(target, ["name": "Ann"]).name == "Ann")
    }

    @Test func `an update is the same after it was stored`() throws {
        let changes = TargetChanges(
            name: "Ann",
            data: "",
            priority: 3,
            timeZone: "Europe/Berlin",
            destinations: [0: nil, 4: tel("+15550000009")]
        )
        let event = TargetEvent.updated(changes)
        let json = try JSONValue(parsing: event.json.bytes)
        #expect(try TargetEvent(type: event.type, schema: 1, json: json) == event)
    }

    // MARK: - Time zones

    @Test(arguments: ["", "Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Asia/Calcutta"])
    func `a time zone that exists is taken`(_ name: String) throws {
        let draft = try TargetDraft(
            body: try body(["destination_0": ["target": "+15550000001"], "time_zone": .string(name)])
        )
        #expect(draft.timeZone == name)
    }

    @Test(arguments: ["Berlin", "Europe/Berlin2", "europe/berlin", "GMT+25", "../etc/passwd"])
    func `a time zone that does not exist is refused`(_ name: String) throws {
        let json: JSONValue = ["destination_0": ["target": "+15550000001"], "time_zone": .string(name)]
        let refusal = #expect(throws: Refusal.self) { try TargetDraft(body: try body(json)) }
        #expect(refusal?.message.hasPrefix("time_zone must be") == true)
        let row = #expect(throws: TargetDraft.RowError.self) {
            try TargetDraft(row: ["destination_0": "+15550000001", "time_zone": .string(name)])
        }
        #expect(row?.column == "time_zone")
    }

    // MARK: - Re-arming

    @Test func `a done target begins anew when it is re-armed`() throws {
        var state: Target? = try Self.failed()
        for event in try #require(state).rearm() { Target.evolve(&state, event, at: moment(100)) }
        let target = try #require(state)
        #expect(target.status == .idle)
        #expect(target.tryCounts == [0, 0, 0, 0, 0])
        #expect(target.earlierTries == 1)
        #expect(target.result == "")
        #expect(target.resultReason == "")
        #expect(target.dueAt == moment(100))
        #expect(try Target(json: target.json) == target)
    }

    @Test func `an idle, a leased and a deleted target are never re-armed`() throws {
        let created = TargetRulesTests.created()
        #expect(given(Target.self, [created])?.rearm() == [])
        #expect(given(Target.self, [created, TargetRulesTests.leased(10)])?.rearm() == [])
        #expect(given(Target.self, [created, .closed(reason: "busy"), .deleted])?.rearm() == [])
    }

    @Test(
        arguments: [
            ["result_reason": []], ["result_reason": ["bored"]], ["result": "maybe"], [:], ["result_reason": [1]],
        ] as [JSONValue]
    )
    func `a re-arm that names nothing, or something unknown, is refused`(_ json: JSONValue) throws {
        let refusal = #expect(throws: Refusal.self) { try Rearm(body: try body(json)) }
        #expect(refusal?.status == .invalidArgument)
    }

    @Test func `a re-arm takes the targets of its reasons and its result`() throws {
        let busy = try Rearm(body: try body(["result_reason": ["busy", "noanswer"]]))
        #expect(busy.reasons == ["busy", "no_answer"])
        #expect(busy.matches(try Self.failed(.busy)))
        #expect(busy.matches(try Self.failed(.noAnswer)))
        #expect(!busy.matches(try Self.failed(.failed)))
        let failed = try Rearm(body: try body(["result": "fail"]))
        #expect(failed.matches(try Self.failed(.failed)))
        #expect(!failed.matches(try Self.failed(.normal)))
    }

    // MARK: - Rehearsal

    @Test func `tries and missing destinations fit into one number`() throws {
        let target = try Self.failed()
        let used = TriesUsed(of: target)
        #expect((0..<5).map { used[$0] } == [1, 0, nil, nil, nil])
        #expect(TriesUsed(packed: used.packed) == used)
        #expect(used.wasTried)
    }

    @Test func `a rehearsal says who could be dialed now, later and never, and why`() throws {
        let idle = try #require(given(Target.self, [TargetRulesTests.created()]))
        let tried = TriesUsed(of: try Self.failed())
        var rehearsal = Rehearsal()
        func add(_ status: Target.Status, _ tries: TriesUsed, due: Timestamp?, _ count: Int64) {
            rehearsal.add(.init(status: status, tries: tries, dueAt: due, targets: count), under: Self.plan)
        }
        add(.idle, TriesUsed(of: idle), due: nil, 5)
        add(.idle, tried, due: moment(90), 3)
        add(.idle, tried, due: moment(70), 2)
        add(.done, tried, due: moment(500), 7)
        add(.progressing, tried, due: nil, 1)
        add(.idle, TriesUsed(packed: 0xFF_FFFF_FFFF), due: nil, 4)
        let json = rehearsal.json
        #expect(json["targets"].integer == 22)
        #expect(json["now"].integer == 5)
        #expect(json["later"].integer == 6)
        #expect(json["never"].integer == 11)
        #expect(rehearsal.laterUntil == moment(90))
        #expect(rehearsal.reasons == [.tryInterval: 5, .progressing: 1, .alreadyDone: 7, .noDestination: 4])
        #expect(rehearsal.now + rehearsal.count("later") + rehearsal.count("never") == rehearsal.targets)
    }

    @Test func `the rehearsal agrees with the rule that leases, for any target and plan`() throws {
        var generator = SplitMix(seed: 11)
        for _ in 0..<2000 {
            var target = try #require(given(Target.self, [TargetRulesTests.created()]))
            for index in 0..<5 {
                target.destinations[index] = generator.next() % 2 == 0 ? nil : tel("+15550000001")
                target.tryCounts[index] = Int(generator.next() % 4)
            }
            let maxima = (0..<5).map { _ in Int(generator.next() % 4) }
            let plan = DialPlan(maximumTries: maxima, tryInterval: 1000)
            #expect(TriesUsed(of: target).canBeDialed(under: plan) == (target.nextDestination(under: plan) != nil))
        }
    }

    // MARK: - Defects that others have

    @Test("A5: a target whose last try has failed is done, and failed") func exhaustedTargetsAreDone() throws {
        let plan = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 1000)
        let events = [TargetRulesTests.created(), TargetRulesTests.leased(10)]
        let leased = try #require(given(Target.self, events))
        let end = leased.finish(TargetRulesTests.finished(10, .placed, .noAnswer, at: 5), plan: plan)
        let target = try #require(given(Target.self, events + end))
        #expect(target.status == .done)
        #expect(target.result == "fail" && target.resultReason == "no_answer")
    }

    @Test("A7: a deleted target is never leased") func deletedTargetsAreNotLeased() throws {
        let target = try #require(given(Target.self, [TargetRulesTests.created(), .deleted]))
        let leased = try target.lease(
            attempt: id(20),
            request: id(901),
            campaign: id(5),
            run: 1,
            plan: Self.plan,
            now: moment(99)
        )
        #expect(leased == [])
    }

    @Test("A13: the documents' example bodies are taken") func examplesAreTaken() throws {
        let outdial = try Outdial.create(
            id: id(1),
            customer: id(2),
            body: try body(["name": "test outdial", "detail": "outdial for test use."])
        )
        #expect(outdial.count == 1)
        let draft = try TargetDraft(
            body: try body([
                "name": "test destination 0", "detail": "test detatination 0 detail", "data": "",
                "destination_0": ["type": "tel", "target": "+821021656521"], "destination_1": .null,
                "destination_2": .null, "destination_3": .null, "destination_4": .null,
            ])
        )
        #expect(draft.destinations == [tel("+821021656521"), nil, nil, nil, nil])
    }

    @Test("B2: a destination that is not there is never dialed") func phantomsAreNotDialed() throws {
        let json: JSONValue = [
            "destination_0": ["target": "+15550000001"], "destination_1": [:], "destination_2": .null,
        ]
        let draft = try TargetDraft(body: try body(json))
        let created = TargetEvent.created(draft, id: id(1), outdial: id(2), customer: id(3), at: moment(0))
        let plan = DialPlan(maximumTries: [1, 5, 5, 5, 5], tryInterval: 1000)
        let leased = try #require(given(Target.self, [created, TargetRulesTests.leased(10)]))
        let end = leased.finish(TargetRulesTests.finished(10, .placed, .busy, at: 5), plan: plan)
        let target = try #require(given(Target.self, [created, TargetRulesTests.leased(10)] + end))
        #expect(target.status == .done)
        #expect(target.resource["destination_1"].isNull)
    }
}
