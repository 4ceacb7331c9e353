import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport
import Testing

@Suite struct CampaignTurnTests {
    /// A running campaign with one worker of ten channels, and its first lease request.
    func running(_ body: JSONObject = [:], channels: Int = 10) throws -> (CampaignHarness, ID, LeaseRequest) {
        let harness = try CampaignHarness()
        try harness.hearWorker(channels: channels)
        let campaign = try harness.makeCampaign(body)
        let request = try #require(try harness.start(campaign).first)
        return (harness, campaign, request)
    }

    func lease(_ effects: [CampaignEffect]) -> LeaseRequest? {
        effects.lazy.compactMap { if case .lease(let request) = $0 { request } else { nil } }.first
    }

    @Test func `a started campaign asks for as many targets as there are channels`() throws {
        let (harness, campaign, request) = try running()
        #expect(request.count == 10)
        #expect(request.campaign == campaign)
        #expect(try harness.campaign(campaign).status == .run)
    }

    @Test func `without a worker nobody is leased, and one that comes starts the dialing`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        #expect(try harness.start(campaign).isEmpty)
        #expect(lease(try harness.hearWorker())?.count == 10)
    }

    @Test func `a lease becomes a campaigncall of one journal and a dial command to it`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(10)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let call = try #require(try harness.call(leases[0].attempt))
        #expect(call.assignment.journal == CampaignHarness.journal)
        #expect(call.assignment.campaign == campaign)
        let dials = try harness.items().filter { $0.kind == "dial" }
        #expect(dials.count == 10)
        // All channels are held now, so the next one is asked for only when a call is over.
        #expect(lease(try harness.perform([.tick(isConnected: true)])) == nil)
        #expect(lease(try harness.report(.hangup, leases[0], "busy"))?.count == 1)
    }

    @Test func `adopting a lease twice makes one campaigncall`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(2)
        let open = leases.map { ClaimReport.OpenLease(lease: $0, campaign: request.campaign, run: request.run) }
        let report = ClaimReport(
            outdial: CampaignHarness.outdial,
            campaign: request.campaign,
            run: request.run,
            leases: open
        )
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.perform([.reconcile(report)])
        try harness.perform([.reconcile(report)])
        #expect(try harness.items().count { $0.kind == "dial" } == 2)
        #expect(try harness.items().count { $0.kind == "attempt_finished" } == 0)
        #expect(try harness.verify() == [])
    }

    @Test func `reconciliation adopts leases whose answer was lost`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(3)
        let effects = try harness.perform([.leased(request, .unknown)])
        #expect(effects.contains(.reconcile))
        let open = leases.map { ClaimReport.OpenLease(lease: $0, campaign: request.campaign, run: request.run) }
        try harness.perform([
            .reconcile(
                ClaimReport(outdial: request.outdial, campaign: request.campaign, run: request.run, leases: open)
            )
        ])
        #expect(try harness.items().count { $0.kind == "dial" } == 3)
    }

    @Test
    func `leases of an earlier life are adopted while a new request is under way, and its answer changes nothing`()
        throws
    {
        let (harness, _, request) = try running()
        let leases = harness.leases(2)
        let open = leases.map { ClaimReport.OpenLease(lease: $0, campaign: request.campaign, run: request.run) }
        let report = ClaimReport(
            outdial: request.outdial,
            campaign: request.campaign,
            run: request.run,
            leases: open
        )
        try harness.perform([.reconcile(report)])
        #expect(try harness.items().count { $0.kind == "dial" } == 2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(try harness.items().count { $0.kind == "dial" } == 2)
        #expect(try harness.items().count { $0.kind == "attempt_finished" } == 0)
        #expect(try harness.verify() == [])
    }

    @Test func `a lease that was told late is dialed in the time that was looked at, or given back`() throws {
        let (harness, _, request) = try running()
        var leases = harness.leases(2)
        leases[0].startBy = harness.now + 5_000
        leases[1].startBy = harness.now + Milliseconds(-1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(try harness.call(leases[0].attempt)?.assignment.startBy == harness.now + 5_000)
        #expect(try harness.call(leases[1].attempt) == nil)
        let returned = try harness.items().compactMap { item -> AttemptFinished? in
            if case .attemptFinished(let finished) = item.body { finished } else { nil }
        }
        #expect(returned.map(\.attempt) == [leases[1].attempt])
        #expect(returned.map(\.outcome) == [.notPlaced])
        #expect(try harness.verify() == [])
    }

    @Test func `a lease that comes after the stop is given back untouched`() throws {
        let (harness, campaign, request) = try running()
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(try harness.campaign(campaign).status == .stop)
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let returned = try harness.items().compactMap { item -> AttemptFinished? in
            if case .attemptFinished(let finished) = item.body { finished } else { nil }
        }
        #expect(returned.map(\.attempt) == leases.map(\.attempt))
        #expect(returned.allSatisfy { $0.outcome == .cancelled })
        #expect(try harness.items().contains { $0.kind == "dial" } == false)
    }

    @Test func `a stop cancels at the workers, waits for the last call and then releases the claim`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(try harness.campaign(campaign).status == .stopping)
        let cancel = try harness.items().filter { $0.kind == "cancel" }
        #expect(cancel.map(\.body) == [.cancel(campaign: campaign, run: 1)])
        try harness.report(.hangup, leases[0], "cancel", by: "system")
        #expect(try harness.campaign(campaign).status == .stopping)
        try harness.report(.hangup, leases[1], "normal")
        #expect(try harness.campaign(campaign).status == .stop)
        #expect(try harness.items().last?.kind == "claim_released")
        #expect(try harness.verify() == [])
    }

    @Test func `max_concurrent limits the open attempts, also between two requests`() throws {
        let (harness, _, request) = try running(["max_concurrent": 3])
        #expect(request.count == 3)
        let leases = harness.leases(3)
        let effects = try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(lease(effects) == nil)
        #expect(lease(try harness.report(.hangup, leases[0], "normal"))?.count == 1)
    }

    @Test func `calls_per_second spreads the requests and asks to be woken`() throws {
        let (harness, _, request) = try running(["calls_per_second": 2])
        #expect(request.count == 1)
        let effects = try harness.perform([.leased(request, .leases(harness.leases(1), isExhausted: false))])
        #expect(lease(effects) == nil)
        #expect(effects.contains(.wake(at: Timestamp(microseconds: moment(0).microseconds + 500_000))))
        harness.now = Timestamp(microseconds: moment(0).microseconds + 500_000)
        #expect(lease(try harness.perform([.tick(isConnected: true)]))?.count == 1)
    }

    @Test func `exhaustion ends the campaign only with nothing open`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let exhausted = Item.Body.outdialExhausted(outdial: request.outdial, campaign: campaign, run: 1)
        _ = try harness.tell(exhausted)
        #expect(try harness.campaign(campaign).status == .run)
        try harness.report(.hangup, leases[0], "normal")
        // That message may be older than a target that was added since: outdial-manager is asked.
        let confirmation = try #require(lease(try harness.tell(exhausted)))
        #expect(confirmation.count == 0)
        #expect(try harness.campaign(campaign).status == .run)
        // Without an answer it is asked again, also when no worker is free.
        try harness.perform([.leased(confirmation, .unknown)])
        harness.now = moment(32)
        let again = try #require(lease(try harness.perform([.tick(isConnected: true)])))
        #expect(again.count == 0)
        try harness.perform([.leased(again, .leases([], isExhausted: true))])
        #expect(try harness.campaign(campaign).status == .stop)
        #expect(try harness.campaign(campaign).endReason == .exhausted)
    }

    @Test func `news of an end that is out of date does not end a campaign whose target waits for its retry`() throws {
        let (harness, campaign, request) = try running()
        try harness.perform([.leased(request, .leases([], isExhausted: false))])
        let exhausted = Item.Body.outdialExhausted(outdial: request.outdial, campaign: campaign, run: 1)
        let confirmation = try #require(lease(try harness.tell(exhausted)))
        try harness.perform([.leased(confirmation, .leases([], isExhausted: false))])
        #expect(try harness.campaign(campaign).status == .run)
    }

    @Test func `an older journal is refused and its attempts are settled, and the true one is taken back`() throws {
        let (harness, _, request) = try running()
        try harness.perform([.leased(request, .leases(harness.leases(2), isExhausted: false))])
        try harness.hearWorker(sequence: 50)
        func register(_ process: ID, at position: Int64) throws {
            var status = harness.status(sequence: position)
            status.process = process
            try harness.request("worker.register", status.json)
        }
        #expect {
            try register(id(20), at: 49)
        } throws: { error in
            (error as? Refusal)?.reason == Request.journalRefused
        }
        #expect(try harness.worker()?.status == .refused)
        #expect(try harness.items().count { $0.kind == "settle" } == 2)
        try register(id(21), at: 50)
        #expect(try harness.worker()?.status == .live)
        #expect(try harness.worker()?.process == id(21))
        // Statuses of the process before it change nothing any more.
        try harness.hearWorker(channels: 99, sequence: 60)
        #expect(try harness.worker()?.channels == 10)
        #expect(try harness.verify() == [])
    }

    @Test func `a lost worker that answers and dies again is asked again`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        func tick(_ seconds: ClosedRange<Int>) throws {
            for second in seconds {
                harness.now = moment(second)
                try harness.perform([.tick(isConnected: true)])
            }
        }
        try tick(0...20)
        #expect(try harness.worker()?.status == .lost)
        _ = try harness.tell(.settled(attempt: leases[0].attempt, state: .claimed, journal: CampaignHarness.journal))
        #expect(try harness.worker()?.status == .live)
        try tick(21...70)
        #expect(try harness.worker()?.status == .lost)
        #expect(try harness.items().count { $0.kind == "settle" } == 2)
        #expect(try harness.call(leases[0].attempt)?.hangupReason == "outcome_unknown")
    }

    @Test func `an attempt that its worker refused as cancelled counts as cancelled by us`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.request("campaign.stop", ["id": .id(campaign)])
        _ = try harness.tell(
            .attemptRefused(
                attempt: leases[0].attempt,
                reason: Item.cancelled,
                journal: CampaignHarness.journal,
                sequence: 5
            )
        )
        #expect(try harness.call(leases[0].attempt)?.outcome == .cancelled)
        #expect(try harness.call(leases[0].attempt)?.hangupReason == "cancel")
    }

    /// A journal that knows of a later run than a manager from a backup: with "cancelled" it would be leased for ever.
    @Test func `a worker that refuses a running run as cancelled only did not place it`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        _ = try harness.tell(
            .attemptRefused(
                attempt: leases[0].attempt,
                reason: Item.cancelled,
                journal: CampaignHarness.journal,
                sequence: 5
            )
        )
        #expect(try harness.call(leases[0].attempt)?.outcome == .notPlaced)
    }

    @Test func `a journal reports only its own attempts, and nobody else says how far it has come`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let call = try #require(try harness.call(leases[0].attempt)).assignment.call
        var event = CallEvent(
            id: ID(high: 77, low: 1),
            kind: .hangup,
            source: "engine",
            time: harness.now,
            customer: CampaignHarness.customer,
            call: call,
            attempt: leases[0].attempt,
            journal: ID(high: 66, low: 6),
            sequence: 900,
            correlation: leases[0].attempt,
            hangupReason: "normal"
        )
        try harness.perform([.message(.callEvents([event]), acknowledge: {})])
        #expect(try harness.call(leases[0].attempt)?.isOpen == true)
        // One that uses its name for a call that nobody knows.
        event.id = ID(high: 77, low: 2)
        event.journal = CampaignHarness.journal
        event.attempt = ID(high: 5, low: 5)
        try harness.perform([.message(.callEvents([event]), acknowledge: {})])
        var status = harness.status(sequence: 50)
        status.process = ID(high: 99, low: 9)
        try harness.request("worker.register", status.json)
        #expect(try harness.worker()?.status == .live)
    }

    @Test func `an idle campaign asks twice a minute whether its list is exhausted, also without a worker`() throws {
        let (harness, campaign, request) = try running()
        try harness.perform([.leased(request, .leases([], isExhausted: false))])
        for second in 1...40 {
            harness.now = moment(second)
            let effects = try harness.perform([.tick(isConnected: true)])
            guard let asked = lease(effects) else { continue }
            let isLast = asked.count == 0
            try harness.perform([.leased(asked, .leases([], isExhausted: isLast))])
            if isLast { break }
        }
        #expect(try harness.campaign(campaign).endReason == .exhausted)
    }

    @Test func `an empty list ends at once, a continue campaign waits and starts on news`() throws {
        let (harness, campaign, request) = try running()
        try harness.perform([.leased(request, .leases([], isExhausted: true))])
        #expect(try harness.campaign(campaign).endReason == .exhausted)
        let (other, second, waiting) = try running(["end_handle": "continue"])
        // The first tick looks at everybody again; the next one does so after half a minute.
        try other.perform([.tick(isConnected: true)])
        try other.perform([.leased(waiting, .leases([], isExhausted: true))])
        #expect(try other.campaign(second).status == .run)
        #expect(lease(try other.perform([.tick(isConnected: true)])) == nil)
        let ready = Item.Body.outdialReady(outdial: waiting.outdial, campaign: second, run: 1)
        #expect(lease(try other.tell(ready))?.count == 10)
    }

    @Test func `news that overtakes the answer to a lease request is not lost`() throws {
        let (harness, campaign, request) = try running(["end_handle": "continue"])
        try harness.perform([.tick(isConnected: true)])
        _ = try harness.tell(.outdialReady(outdial: request.outdial, campaign: campaign, run: 1))
        let effects = try harness.perform([.leased(request, .leases([], isExhausted: false))])
        #expect(lease(effects)?.count == 10)
        let (other, second, pending) = try running()
        try other.perform([.tick(isConnected: true)])
        _ = try other.tell(.outdialExhausted(outdial: pending.outdial, campaign: second, run: 1))
        let again = try #require(lease(try other.perform([.leased(pending, .leases([], isExhausted: false))])))
        try other.perform([.leased(again, .leases([], isExhausted: true))])
        #expect(try other.campaign(second).endReason == .exhausted)
    }

    @Test func `a silent worker is lost and its attempts are settled; without an answer the outcome is unknown`() throws
    {
        let (harness, _, request) = try running()
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        for second in 0...20 {
            #expect(try harness.items().contains { $0.kind == "settle" } == false)
            harness.now = moment(second)
            try harness.perform([.tick(isConnected: true)])
        }
        #expect(try harness.items().count { $0.kind == "settle" } == 2)
        // One is answered for: refused, so it was never dialed. The other one stays silent.
        _ = try harness.tell(.settled(attempt: leases[0].attempt, state: .refused, journal: CampaignHarness.journal))
        #expect(try harness.call(leases[0].attempt)?.outcome == .notPlaced)
        for second in 21...50 {
            harness.now = moment(second)
            try harness.perform([.tick(isConnected: true)])
        }
        #expect(try harness.call(leases[1].attempt)?.hangupReason == "outcome_unknown")
        #expect(try harness.call(leases[1].attempt)?.outcome == .placed)
        #expect(try harness.verify() == [])
    }

    @Test func `while the bus is away nobody is lost, and a journal then gets its full time`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.tick(isConnected: true)])
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.progressing, leases[0])
        for second in 1...120 {
            harness.now = moment(second)
            try harness.perform([.tick(isConnected: false)])
        }
        #expect(try harness.items().contains { $0.kind == "settle" } == false)
        for second in 121...139 {
            harness.now = moment(second)
            try harness.perform([.tick(isConnected: true)])
        }
        try harness.report(.hangup, leases[0], "normal")
        #expect(try harness.call(leases[0].attempt)?.result == "success")
    }

    @Test func `a lease that was given back is never taken up again by an older report`() throws {
        let (harness, _, request) = try running(channels: 1)
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        // One channel: the second lease was given back. Then the channel becomes free.
        try harness.report(.hangup, leases[0], "normal")
        let open = [ClaimReport.OpenLease(lease: leases[1], campaign: request.campaign, run: request.run)]
        let report = ClaimReport(outdial: request.outdial, campaign: request.campaign, run: request.run, leases: open)
        try harness.perform([.leased(request, .unknown)])
        try harness.perform([.reconcile(report)])
        #expect(try harness.items().count { $0.kind == "dial" } == 1)
    }

    @Test func `a stop during a start wins`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        let claim = try harness.request("campaign.status", ["id": .id(campaign)]) { .prepareStart($0, answer: $1) }
        let run = try claim.requireInteger("run")
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(throws: Refusal.self) {
            try harness.request("campaign.status", ["id": .id(campaign)]) { .start($0, run: run, answer: $1) }
        }
        #expect(try harness.campaign(campaign).status == .stop)
    }

    @Test func `a dropped claim uses up its run number`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        try harness.perform([
            .reconcile(ClaimReport(outdial: CampaignHarness.outdial, campaign: campaign, run: 1, leases: []))
        ])
        let claim = try harness.request("campaign.status", ["id": .id(campaign)]) { .prepareStart($0, answer: $1) }
        #expect(claim["run"] == 2)
    }

    @Test func `a report that is delivered twice, or late, or by another journal changes nothing`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.hangup, leases[0], "busy")
        let done = try harness.call(leases[0].attempt)
        try harness.report(.hangup, leases[0], "normal")
        #expect(try harness.call(leases[0].attempt)?.result == done?.result)
        _ = try harness.tell(.attemptRefused(attempt: leases[0].attempt, reason: "late", journal: id(77), sequence: 1))
        #expect(try harness.call(leases[0].attempt)?.outcome == .placed)
        let types = try harness.reader.events(after: 0, limit: 1000).map(\.type)
        #expect(types.count { $0 == "campaigncall_finished" } == 1)
        #expect(types.count { $0 == "campaigncall_late_result_ignored" } == 1)
    }

    @Test func `a redelivered old status does not make a worker look restored`() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker(sequence: 50)
        try harness.hearWorker(sequence: 10)
        let worker = try harness.reader.read { try CampaignTables.workers.load(CampaignHarness.journal, in: $0)?.state }
        #expect(worker?.status == .live)
    }

    @Test func `a claim that no run holds is dropped`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        try harness.perform([
            .reconcile(ClaimReport(outdial: CampaignHarness.outdial, campaign: campaign, run: 1, leases: []))
        ])
        #expect(
            try harness.items().last?.body
                == .claimReleased(outdial: CampaignHarness.outdial, campaign: campaign, run: 1)
        )
    }

    @Test func `a claim is left alone while its campaign is being started`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        _ = try harness.request("campaign.status", ["id": .id(campaign)]) { .prepareStart($0, answer: $1) }
        try harness.perform([
            .reconcile(ClaimReport(outdial: CampaignHarness.outdial, campaign: campaign, run: 1, leases: []))
        ])
        #expect(try harness.items().isEmpty)
    }
}
