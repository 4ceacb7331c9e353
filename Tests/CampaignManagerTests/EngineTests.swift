import CampaignDomain
import Contracts
import EventLog
import Service
import TestSupport
import Testing

@testable import CampaignManager

/// Attempts that other people's dialing engines place.
@Suite struct EngineTests {
    private static func harness(channels: Int64 = 5, users: Set<String> = ["acme-engine"]) throws -> CampaignHarness {
        let harness = try CampaignHarness {
            $0.engines = EngineRoutes(
                routes: [EngineRoute(name: "acme", channels: channels, users: users)],
                workerUsers: ["dialer-worker"]
            )
        }
        try harness.perform([.tick(isConnected: true)])
        return harness
    }

    /// A campaign of that route that runs with `count` leases; answers with them and with what its turn wanted done.
    private func dial(
        _ count: Int,
        on harness: CampaignHarness
    ) throws -> (campaign: ID, leases: [Lease], effects: [CampaignEffect]) {
        let campaign = try harness.makeCampaign(["route": "acme"])
        let request = try #require(try harness.start(campaign).first)
        let leases = harness.leases(count)
        let effects = try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        return (campaign, leases, effects)
    }

    private func commands(_ effects: [CampaignEffect]) -> [EngineCommand] {
        effects.compactMap { if case .dial(let command) = $0 { command } else { nil } }
    }

    private func ignored(_ effects: [CampaignEffect]) -> [IgnoredReports.Reason: Int] {
        for case .ignored(let reports) in effects { return reports.counts }
        return [:]
    }

    /// What the engine reports; without `id` in the bare form.
    private func report(
        _ kind: CallEvent.Kind,
        _ lease: Lease,
        on harness: CampaignHarness,
        id: ID? = nil,
        user: String? = "acme-engine",
        reason: String = "",
        time: Timestamp? = nil
    ) throws -> [CampaignEffect] {
        let call = try #require(try harness.call(lease.attempt))
        let event = CallEvent(
            id: id,
            kind: kind,
            source: "acme",
            time: time ?? harness.now,
            customer: .none,
            call: call.assignment.call,
            attempt: .none,
            journal: .none,
            sequence: 0,
            correlation: lease.attempt,
            hangupReason: reason,
            user: user
        )
        return try harness.perform([.message(.callEvents([event]), acknowledge: {})])
    }

    @Test func aCommandIsHandedOverOnceByTheTurnThatMadeItsAttempt() throws {
        let harness = try Self.harness()

        let (_, leases, effects) = try dial(2, on: harness)

        #expect(commands(effects).map(\.command.attempt) == leases.map(\.attempt))
        #expect(commands(effects).allSatisfy { $0.route == "acme" })
        #expect(try harness.items().isEmpty, "the log publishes it to no worker")
        // Neither the next turns, nor reconciliation, nor a deadline hand it over again.
        let open = leases.map { ClaimReport.OpenLease(lease: $0, campaign: id(1), run: 1) }
        let claim = ClaimReport(outdial: CampaignHarness.outdial, campaign: id(1), run: 1, leases: open)
        for _ in 0..<100 {
            harness.now = harness.now + 1_000
            #expect(commands(try harness.perform([.tick(isConnected: true), .reconcile(claim)])).isEmpty)
        }
        #expect(try harness.verify().isEmpty)
    }

    @Test func aCommandCarriesWhatTheListSaysOfThePerson() throws {
        let harness = try Self.harness()
        let talk: JSONValue = [["type": "talk", "option": ["text": "hi"]]]
        let campaign = try harness.makeCampaign(["route": "acme", "actions": talk])
        let request = try #require(try harness.start(campaign).first)
        #expect(request.needsProfile)
        var leases = harness.leases(1)
        leases[0].profile = TargetProfile(name: "Ann", data: "x", variables: ["day": "Monday", "name": "column"])

        let effects = try harness.perform([.leased(request, .leases(leases, isExhausted: false))])

        let command = try #require(commands(effects).first?.command)
        #expect(command.program.isNone)
        let told = command.callDial(correlation: id(1), at: harness.now)["data"]["variables"]
        #expect(told == ["data": "x", "day": "Monday", "detail": "", "name": "Ann"])
    }

    @Test(arguments: ["flow", "message", "email"]) func whatIsNoCallIsNotStartedOnAnEnginesRoute(_ kind: String) throws
    {
        let harness = try Self.harness()
        let talk: JSONValue = [["type": "talk", "option": ["text": "hi"]]]
        let campaign = try harness.makeCampaign(["type": .string(kind), "route": "acme", "actions": talk])

        let refusal = #expect(throws: Refusal.self) { _ = try harness.start(campaign) }

        #expect(refusal?.reason == "ENGINE_CALLS_ONLY")
        let reads = CampaignReads(log: try harness.reader, clock: { moment(0) })
        let request = CampaignHarness.reading("campaign.rehearse", of: campaign)
        #expect(try reads.rehearsal(request, engineRoutes: ["acme"]).obstacles.map(\.reason) == ["ENGINE_CALLS_ONLY"])
    }

    @Test func aRunningCampaignIsNotChangedToWhatItsEngineCannotDo() throws {
        let harness = try Self.harness()
        try harness.hearWorker()
        let talk: JSONValue = [["type": "talk", "option": ["text": "hi"]]]
        let campaign = try harness.makeCampaign(["type": "flow", "actions": talk])
        _ = try harness.start(campaign)
        let change: JSONValue = ["id": .id(campaign), "body": ["route": "acme"]]

        let refusal = #expect(throws: Refusal.self) { try harness.request("campaign.update", change) }

        #expect(refusal?.reason == "ENGINE_CALLS_ONLY")
        #expect(try harness.campaign(campaign).settings.route.isEmpty)
    }

    @Test func aRunningCampaignAsksForNobodyOnceItsOutplanNamesAnEngineThatCannotServeIt() throws {
        let harness = try Self.harness()
        let talk: JSONValue = [["type": "talk", "option": ["text": "hi"]]]
        let campaign = try harness.makeCampaign(["type": "flow", "actions": talk])
        _ = try harness.start(campaign)
        let outplan = try harness.campaign(campaign).settings.outplan

        try harness.request("outplan.update", ["id": .id(outplan), "body": ["route": "acme"]])
        let effects = try harness.perform([.tick(isConnected: true)])

        #expect(effects.allSatisfy { if case .lease = $0 { false } else { true } })
    }

    @Test func aTestCallGoesToTheEngineAsWell() throws {
        let harness = try Self.harness()
        let campaign = try harness.makeCampaign(["route": "acme"])

        let call = try harness.request(
            "campaign.test_call",
            ["campaign_id": .id(campaign), "id": .id(id(5)), "body": ["destination": "+15557654321"]]
        )

        #expect(commands(harness.collected.value).map { .id($0.command.call) } == [call["id"]])
        #expect(try harness.items().isEmpty)
    }

    @Test func noMoreAreAskedForThanTheRouteHasChannels() throws {
        let harness = try Self.harness(channels: 3)
        let campaign = try harness.makeCampaign(["route": "acme"])

        let request = try #require(try harness.start(campaign).first)

        #expect(request.count == 3)
        let leases = harness.leases(3)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(
            try harness.perform([.tick(isConnected: true)]).allSatisfy { if case .lease = $0 { false } else { true } }
        )
        // A call that is over frees its channel.
        let next = try report(.hangup, leases[0], on: harness, reason: "normal")
        #expect(next.contains { if case .lease(let request) = $0 { request.count == 1 } else { false } })
    }

    @Test(arguments: ["expired", "rejected"]) func aCommandThatNobodyTookGivesItsTryBack(_ reason: String) throws {
        let harness = try Self.harness()
        let (_, leases, _) = try dial(1, on: harness)

        try harness.perform([.undelivered(attempt: leases[0].attempt, reason: reason, acknowledge: {})])

        let call = try #require(try harness.call(leases[0].attempt))
        #expect(call.outcome == .notPlaced && call.hangupReason == "not_dialed")
        let finished = try harness.items().compactMap {
            if case .attemptFinished(let end) = $0.body { end } else { nil }
        }
        #expect(finished.map(\.outcome) == [.notPlaced])
    }

    @Test func aCommandThatSomebodyTookAndLostIsUnknownAtItsDeadline() throws {
        let harness = try Self.harness()
        let (_, leases, _) = try dial(1, on: harness)
        let attempt = leases[0].attempt

        try harness.perform([.undelivered(attempt: attempt, reason: "delivery_limit", acknowledge: {})])

        #expect(try harness.call(attempt)?.isOpen == true, "its engine may live, and report")
        for _ in 0..<70 {
            harness.now = harness.now + 1_000
            try harness.perform([.tick(isConnected: true)])
        }
        let call = try #require(try harness.call(attempt))
        #expect(call.outcome == .placed && call.hangupReason == "outcome_unknown")
        // Its person may talk as long as any may: until then nobody calls the number.
        let told = try harness.items().compactMap {
            if case .attemptFinished(let end) = $0.body { end } else { nil }
        }
        let assignment = call.assignment
        let last = assignment.startBy + assignment.dialTimeout + assignment.maximumTalkTime
        #expect(told.map(\.mayTalkUntil) == [last])
        // What comes later is recorded, and changes nothing.
        let late = try report(.hangup, leases[0], on: harness, reason: "normal")
        #expect(ignored(late) == [.late: 1])
        #expect(try harness.call(attempt)?.hangupReason == "outcome_unknown")
    }

    @Test func aCommandThatWasNotSentGivesItsTryBackAndOneWithoutConfirmWaitsForItsEngine() throws {
        let harness = try Self.harness()
        let (_, leases, _) = try dial(2, on: harness)

        try harness.perform([
            .commandFailed(attempt: leases[0].attempt, .notSent),
            .commandFailed(attempt: leases[1].attempt, .unconfirmed),
        ])

        #expect(try harness.call(leases[0].attempt)?.outcome == .notPlaced)
        #expect(try harness.call(leases[1].attempt)?.isOpen == true)
        _ = try report(.hangup, leases[1], on: harness, reason: "busy")
        #expect(try harness.call(leases[1].attempt)?.hangupReason == "busy")
    }

    @Test func reportsMayComeTwiceLateAndInAnyOrder() throws {
        let harness = try Self.harness()
        let (_, leases, _) = try dial(1, on: harness)
        var effects: [CampaignEffect] = []

        let ids = (0..<4).map { _ in harness.ids.next(at: harness.now) }
        for _ in 0..<2 {
            effects += try report(.progressing, leases[0], on: harness, id: ids[0])
            effects += try report(.dialing, leases[0], on: harness, id: ids[1])
            effects += try report(.hangup, leases[0], on: harness, id: ids[2], reason: "normal")
            effects += try report(.ringing, leases[0], on: harness, id: ids[3])
        }

        let call = try #require(try harness.call(leases[0].attempt))
        #expect(call.phase == .done && call.result == "success" && call.answeredAt != nil)
        let counts = effects.reduce(into: [IgnoredReports.Reason: Int]()) { sums, effect in
            if case .ignored(let reports) = effect { sums.merge(reports.counts) { $0 + $1 } }
        }
        #expect(counts == [.late: 2, .repeated: 4])
        #expect(try harness.verify().isEmpty)
    }

    @Test func whoDoesNotServeARouteCannotReportItsCalls() throws {
        let harness = try Self.harness()
        try harness.hearWorker()
        let (_, leases, _) = try dial(1, on: harness)

        for user in [nil, "other-engine", "dialer-worker"] {
            let effects = try report(.hangup, leases[0], on: harness, user: user, reason: "normal")
            #expect(ignored(effects) == [.notAllowed: 1])
        }
        #expect(try harness.call(leases[0].attempt)?.phase == .assigned)
        // Nor can an engine speak for a worker's journal.
        let ours = try harness.makeCampaign()
        let request = try #require(try harness.start(ours).first { $0.campaign == ours })
        let lease = harness.leases(1)
        try harness.perform([.leased(request, .leases(lease, isExhausted: false))])
        #expect(ignored(try report(.hangup, lease[0], on: harness, reason: "normal")) == [.notAllowed: 1])
        #expect(try harness.call(lease[0].attempt)?.isOpen == true)
        _ = try report(.hangup, lease[0], on: harness, user: "dialer-worker", reason: "normal")
        #expect(try harness.call(lease[0].attempt)?.result == "success")
    }

    @Test func callsThatNobodyKnowsAreCounted() throws {
        let harness = try Self.harness()
        let event = CallEvent(
            id: nil,
            kind: .hangup,
            source: "acme",
            time: harness.now,
            customer: .none,
            call: id(77),
            attempt: .none,
            journal: .none,
            sequence: 0,
            correlation: id(77)
        )

        let effects = try harness.perform([.message(.callEvents([event, event]), acknowledge: {})])

        #expect(ignored(effects) == [.unknownCall: 2])
    }

    @Test func aClockThatIsWrongShiftsNothing() throws {
        let harness = try Self.harness()
        let (_, leases, _) = try dial(2, on: harness)
        let future = harness.now + Milliseconds(1_000_000_000)

        _ = try report(.hangup, leases[0], on: harness, reason: "busy", time: future)
        _ = try report(.hangup, leases[1], on: harness, reason: "busy", time: moment(-1_000_000))

        #expect(try harness.call(leases[0].attempt)?.endedAt == harness.now)
        let second = try #require(try harness.call(leases[1].attempt))
        #expect(second.endedAt == second.createdAt)
    }

    @Test func aStopCancelsNothingAtAnEngine() throws {
        let harness = try Self.harness()
        let (campaign, leases, _) = try dial(1, on: harness)

        try harness.request("campaign.stop", ["id": .id(campaign)])

        #expect(try harness.campaign(campaign).status == .stopping)
        #expect(try harness.items().isEmpty)
        _ = try report(.hangup, leases[0], on: harness, reason: "normal")
        #expect(try harness.campaign(campaign).status == .stop)
    }

    @Test func withoutTheBusNothingIsAskedFor() throws {
        let harness = try Self.harness()
        try harness.perform([.tick(isConnected: false)])
        let campaign = try harness.makeCampaign(["route": "acme"])

        #expect(try harness.start(campaign).isEmpty)
    }

    @Test func theSettingOfRoutesIsReadOrRefused() throws {
        func routes(_ text: String) throws -> [EngineRoute] {
            try EngineRoutes.routes(parsing: Setting("X", flag: nil, in: ["X": text]))
        }
        #expect(try routes("") == [])
        #expect(
            try routes("acme=200:acme-engine:second, other=50")
                == [
                    EngineRoute(name: "acme", channels: 200, users: ["acme-engine", "second"]),
                    EngineRoute(name: "other", channels: 50),
                ]
        )
        for wrong in ["acme", "acme=", "acme=0", "acme=x", "=5", "a.b=5", "acme=5:", "acme=1,acme=2", "acme=100001"] {
            #expect(throws: ConfigurationError.self) { try routes(wrong) }
        }
    }
}
