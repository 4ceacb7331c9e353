import CampaignDomain
import CampaignManager
import Contracts
import TestSupport
import Testing

/// What claims and changed plans carry to outdial-manager.
@Suite struct PlanTests {
    private func plans(_ harness: CampaignHarness) throws -> [DialPlan] {
        try harness.items().compactMap { item in
            if case .planChanged(_, _, _, let plan) = item.body { plan } else { nil }
        }
    }

    @Test func windowsAndTheCustomersIntervalTravelWithTheClaim() throws {
        let harness = try CampaignHarness()
        try makeCustomer(harness)
        try harness.request("customer.update", ["body": ["min_interval_per_number": 3_600_000]])
        let campaign = try harness.makeCampaign(plan: [
            "calling_windows": [["weekdays": [1], "from": "09:00", "to": "17:00"]], "holidays": ["2026-12-25"],
        ])
        let claim = try harness.request("campaign.status", ["id": .id(campaign)]) { .prepareStart($0, answer: $1) }
        let plan = try DialPlan(json: claim["plan"])
        #expect(plan.hours.windows == [CallingWindow(weekdays: [1], from: 540, to: 1020)])
        #expect(plan.hours.holidays.map(\.description) == ["2026-12-25"])
        #expect(plan.minimumInterval == 3_600_000)
    }

    @Test func aChangedIntervalReachesEveryRunningCampaign() throws {
        let harness = try CampaignHarness()
        try makeCustomer(harness)
        try harness.hearWorker()
        _ = try harness.start(try harness.makeCampaign())
        let answer = try harness.request("customer.update", ["body": ["min_interval_per_number": 60]])
        #expect(answer["min_interval_per_number"].integer == 60_000)
        #expect(try plans(harness).map(\.minimumInterval) == [60_000])
        try harness.request("customer.update", ["body": ["detail": "something else"]])
        #expect(try plans(harness).count == 1)
        #expect(try harness.verify() == [])
    }

    @Test func aChangedWindowReachesTheCampaignsThatUseIt() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign()
        _ = try harness.start(campaign)
        let outplan = try harness.campaign(campaign).settings.outplan
        let window: JSONValue = ["weekdays": [6], "from": "22:00", "to": "02:00"]
        try harness.request("outplan.update", ["id": .id(outplan), "body": ["calling_windows": [window]]])
        #expect(try plans(harness).map(\.hours.windows) == [[CallingWindow(weekdays: [6], from: 1320, to: 120)]])
    }

    @Test func aCallThatTheWorkerRefusedForAListIsTold() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let request = try #require(try harness.start(try harness.makeCampaign()).first)
        let lease = try #require(harness.leases(1).first)
        try harness.perform([.leased(request, .leases([lease], isExhausted: false))])
        _ = try harness.tell(
            .attemptRefused(
                attempt: lease.attempt,
                reason: "do_not_call",
                journal: CampaignHarness.journal,
                sequence: 2
            )
        )
        let call = try #require(try harness.call(lease.attempt))
        #expect(call.hangupReason == "do_not_call")
        #expect(call.wasNotDialed)
        let finished = try harness.items().compactMap { item in
            if case .attemptFinished(let finished) = item.body { finished } else { nil }
        }
        #expect(finished.map(\.reason) == ["do_not_call"])
        #expect(finished.map(\.outcome) == [.notPlaced])
    }

    private func makeCustomer(_ harness: CampaignHarness) throws {
        try harness.request(
            "account.create",
            [
                "customer_id": .id(CampaignHarness.customer), "agent_id": .id(id(901)), "accesskey_id": .id(id(902)),
                "username": "ann", "permission": 32, "body": ["name": "Blue Inc"], "password_hash": "x",
                "token_hash": "y", "token_prefix": "vb_",
            ]
        )
    }
}
