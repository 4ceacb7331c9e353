import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct CampaignRulesTests {
    static func settings(_ change: (inout CampaignSettings) -> Void = { _ in }) -> CampaignSettings {
        var settings = CampaignSettings()
        settings.outdial = id(2)
        settings.outplan = id(4)
        change(&settings)
        return settings
    }

    func campaign(_ settings: CampaignSettings = Self.settings(), _ events: CampaignEvent...) throws -> Campaign {
        try #require(given(Campaign.self, [.created(id: id(1), customer: id(3), settings: settings)] + events))
    }

    func outplan(_ json: JSONValue = [:]) throws -> Outplan {
        try #require(given(Outplan.self, try Outplan.create(id: id(4), customer: id(3), body: try body(json))))
    }

    func reason(_ work: () throws -> Void) -> String? { #expect(throws: Refusal.self, performing: work)?.reason }

    @Test func `run and stop are accepted in both spellings, stopping is not`() throws {
        for (text, status) in [("run", "run"), ("running", "run"), ("stop", "stop"), ("stopped", "stop")] {
            #expect(try Campaign.requestedStatus(try body(["status": .string(text)])).rawValue == status)
        }
        for text in ["stopping", "", "paused"] {
            #expect(throws: Refusal.self) { try Campaign.requestedStatus(try body(["status": .string(text)])) }
        }
    }

    @Test func `starting needs an outdial and an outplan, and a try for somebody`() throws {
        let plan = try outplan()
        #expect(
            reason { try campaign(Self.settings { $0.outdial = .none }).checkStart(outplan: plan) } == "OUTDIAL_MISSING"
        )
        #expect(reason { try campaign().checkStart(outplan: nil) } == "OUTPLAN_MISSING")
        let nobody = try outplan(["max_try_count": 0])
        #expect(reason { try campaign().checkStart(outplan: nobody) } == "STATE_INVALID")
        #expect(
            reason { try campaign(Self.settings { $0.kind = .email }).checkStart(outplan: plan) } == "ACTIONS_MISSING"
        )
        try campaign().checkStart(outplan: plan)
    }

    @Test func `a start raises the run, run on run is nothing, run on stopping goes on with a new run`() throws {
        #expect(try campaign().start(run: 1) == [.started(run: 1)])
        #expect(try campaign(Self.settings(), .started(run: 1)).start(run: 2).isEmpty)
        let stopping = try campaign(
            Self.settings(),
            .started(run: 1),
            .stopping(run: 1, reason: .requested, journals: [])
        )
        #expect(try stopping.start(run: 2) == [.started(run: 2)])
        #expect(throws: Refusal.self) { try stopping.start(run: 1) }
    }

    @Test func `a stop with open attempts goes through stopping and ends with the last one`() throws {
        let running = try campaign(Self.settings(), .started(run: 1))
        #expect(running.stop(openAttempts: 0, journals: []) == [.stopped(run: 1, reason: .requested, outdial: id(2))])
        let stopping = CampaignEvent.stopping(run: 1, reason: .requested, journals: [id(9)])
        #expect(running.stop(openAttempts: 3, journals: [id(9)]) == [stopping])
        let state = try campaign(Self.settings(), .started(run: 1), stopping)
        #expect(state.stop(openAttempts: 3, journals: []).isEmpty)
        #expect(state.settleStop(openAttempts: 1).isEmpty)
        #expect(state.settleStop(openAttempts: 0) == [.stopped(run: 1, reason: .requested, outdial: id(2))])
    }

    @Test func `exhaustion ends a stop campaign with nothing open, and only its own run`() throws {
        let running = try campaign(Self.settings(), .started(run: 2))
        let stopped = CampaignEvent.stopped(run: 2, reason: .exhausted, outdial: id(2))
        #expect(running.exhaust(run: 2, openAttempts: 0) == [stopped])
        #expect(running.exhaust(run: 2, openAttempts: 1).isEmpty)
        #expect(running.exhaust(run: 1, openAttempts: 0).isEmpty)
        let forever = try campaign(Self.settings { $0.endHandle = .continue }, .started(run: 2))
        #expect(forever.exhaust(run: 2, openAttempts: 0).isEmpty)
        let ended = try campaign(Self.settings(), .started(run: 2), stopped)
        #expect(ended.resource["end_reason"] == "exhausted")
        #expect(ended.endedAt == moment(2))
    }

    @Test func `fields that are absent are kept, given ones are set`() throws {
        let before = try campaign(Self.settings { $0.name = "spring" })
        let events = try before.update(body: try body(["detail": "new"]), part: .all)
        #expect(events == [.updated(changes: ["detail": "new"])])
        let after = try campaign(Self.settings { $0.name = "spring" }, events[0])
        #expect(after.settings.name == "spring")
        #expect(after.settings.detail == "new")
        #expect(try after.update(body: try body(["detail": "new", "unknown": 7]), part: .all).isEmpty)
    }

    @Test func `outdial and outplan change only while it is stopped`() throws {
        let running = try campaign(Self.settings(), .started(run: 1))
        #expect(
            reason { _ = try running.update(body: try body(["outdial_id": .id(id(8))]), part: .all) } == "STATE_INVALID"
        )
        #expect(try running.update(body: try body(["service_level": 80]), part: .serviceLevel).count == 1)
    }

    @Test(
        arguments: [
            ("type", "fax"), ("end_handle", "never"), ("service_level", -1), ("actions", "talk"),
            ("max_concurrent", -1),
            ("calls_per_second", .double(-0.5)), ("outplan_id", "nonsense"),
            ("queue_id", "nonsense"), ("flow_id", 5),
        ] as [(String, JSONValue)]
    )
    func `a wrong field is refused by name`(_ field: String, _ value: JSONValue) throws {
        let body = try body(.object([field: value]))
        let refusal = #expect(throws: Refusal.self) { try Campaign.create(id: id(1), customer: id(3), body: body) }
        #expect(refusal?.message.hasPrefix(field) == true)
        #expect(refusal?.status == .invalidArgument)
    }

    @Test func `ids may be absent, null, empty or nil, and a campaign does not follow itself`() throws {
        let events = try Campaign.create(
            id: id(1),
            customer: id(3),
            body: try body(["outplan_id": "", "outdial_id": .null, "queue_id": .id(.none)])
        )
        #expect(try #require(given(Campaign.self, events)).resource["outplan_id"] == .id(.none))
        #expect(throws: Refusal.self) {
            try Campaign.create(id: id(1), customer: id(3), body: try body(["next_campaign_id": .id(id(1))]))
        }
    }

    @Test func `actions are echoed with their ids, nil where none was given`() throws {
        let events = try Campaign.create(
            id: id(1),
            customer: id(3),
            body: try body(["actions": [["type": "talk", "option": ["text": "hi"]]]])
        )
        let action = try #require(given(Campaign.self, events)?.resource["actions"].array?.first)
        #expect(action["id"] == .id(.none))
        #expect(action["next_id"] == .id(.none))
        #expect(action["option"]["text"] == "hi")
    }

    @Test func `a deleted queue or flow keeps it from being started`() throws {
        let plan = try outplan()
        #expect(reason { try campaign().checkStart(outplan: plan, isQueueMissing: true) } == "QUEUE_MISSING")
        #expect(reason { try campaign().checkStart(outplan: plan, isFlowMissing: true) } == "FLOW_MISSING")
    }

    @Test func `a pause changes no status, and holds back the end by exhaustion`() throws {
        let running = try campaign(Self.settings(), .started(run: 1))
        #expect(try running.pause(body: try body(["paused": true])) == [.paused])
        #expect(try running.pause(body: try body(["paused": false])).isEmpty)
        #expect(reason { _ = try running.pause(body: try body(["paused": "yes"])) } == "INVALID_ARGUMENT")
        let paused = try campaign(Self.settings(), .started(run: 1), .paused)
        #expect(paused.isDialing && !paused.takesLeases)
        #expect(paused.exhaust(run: 1, openAttempts: 0).isEmpty)
        #expect(paused.resource["paused"] == true)
        #expect(try campaign(Self.settings(), .paused, .started(run: 1)).isPaused)
        #expect(try paused.pause(body: try body(["paused": false])) == [.unpaused])
    }

    @Test func `a follower is due once a run has placed a call, and decided once`() throws {
        let settings = Self.settings { $0.nextCampaign = id(5) }
        let ended = try campaign(settings, .started(run: 1), .stopped(run: 1, reason: .exhausted, outdial: id(2)))
        #expect(ended.follow(hasPlaced: true) == [.nextDue(run: 1, next: id(5))])
        guard case .nextSkipped(1, id(5), "NOTHING_PLACED", _)? = ended.follow(hasPlaced: false).first else {
            Issue.record("it follows a run that has placed nothing")
            return
        }
        #expect(try campaign().follow(hasPlaced: true).isEmpty)
        let due = try campaign(settings, .started(run: 1), .nextDue(run: 1, next: id(5)))
        #expect(due.nextDue == id(5))
        #expect(due.noteNextStarted(run: 4) == [.nextStarted(run: 1, next: id(5), nextRun: 4)])
        let started = try campaign(
            settings,
            .nextDue(run: 1, next: id(5)),
            .nextStarted(run: 1, next: id(5), nextRun: 4)
        )
        #expect(started.nextDue == nil && started.noteNextStarted(run: 5).isEmpty)
        #expect(started.resource["next_campaign_result"] == "started")
        // Who starts it again themselves means that and no follower.
        let stopped = try campaign(
            settings,
            .started(run: 1),
            .stopped(run: 1, reason: .exhausted, outdial: id(2)),
            .nextDue(run: 1, next: id(5))
        )
        #expect(try stopped.start(run: 2).map(\.type) == ["campaign_next_skipped", "campaign_started"])
    }

    @Test func `the time for answered calls begins with the stop`() throws {
        let settings = Self.settings { $0.stopDrainTimeout = 5_000 }
        let stopping = CampaignEvent.stopping(run: 1, reason: .requested, journals: [])
        #expect(try campaign(settings, .started(run: 1)).drainEndsAt == nil)
        #expect(try campaign(settings, .started(run: 1), stopping).drainEndsAt == moment(7))
        #expect(try campaign(Self.settings(), .started(run: 1), stopping).drainEndsAt == nil)
        #expect(try campaign(settings, .started(run: 1), stopping, .started(run: 2)).drainEndsAt == nil)
    }

    @Test func `a state survives its stored form`() throws {
        let settings = Self.settings { $0.nextCampaign = id(5) }
        let states = [
            try campaign(settings), try campaign(settings, .started(run: 1), .paused),
            try campaign(settings, .started(run: 1), .stopping(run: 1, reason: .requested, journals: [])),
            try campaign(settings, .nextSkipped(run: 1, next: id(5), reason: "X", message: "")),
        ]
        for state in states { #expect(try Campaign(json: try JSONValue(parsing: state.json.bytes)) == state) }
    }

    @Test func `only a stopped campaign is deleted`() throws {
        #expect(
            reason { _ = try campaign(Self.settings(), .started(run: 1)).delete(openAttempts: 0) } == "STATE_INVALID"
        )
        #expect(try campaign().delete(openAttempts: 0) == [.deleted])
    }

    @Test func `every event survives its stored form`() throws {
        let events: [CampaignEvent] = [
            .created(id: id(1), customer: id(3), settings: Self.settings { $0.callsPerSecond = 2.5 }),
            .updated(changes: ["name": "x"]), .started(run: 1),
            .stopping(run: 1, reason: .requested, journals: [id(9)]),
            .stopped(run: 1, reason: .exhausted, outdial: id(2)),
            .leaseReturned(run: 1, attempt: id(6), target: id(7), outdial: id(2), outcome: .cancelled),
            .claimDropped(run: 1, outdial: id(2)), .deleted,
            .planChanged(run: 1, outdial: id(2), plan: DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 5)),
            .paused, .unpaused, .nextDue(run: 1, next: id(5)), .nextStarted(run: 1, next: id(5), nextRun: 4),
            .nextSkipped(run: 1, next: id(5), reason: "NOT_STOPPED", message: "it runs"),
        ]
        for event in events {
            #expect(
                try CampaignEvent(type: event.type, schema: 1, json: try JSONValue(parsing: event.json.bytes)) == event
            )
        }
    }
}
