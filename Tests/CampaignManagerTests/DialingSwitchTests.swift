import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import TestSupport
import Testing

@Suite struct DialingSwitchTests {
    private func lease(_ effects: [CampaignEffect]) -> LeaseRequest? {
        effects.lazy.compactMap { if case .lease(let request) = $0 { request } else { nil } }.first
    }

    /// A running campaign of a customer with an admin, one worker of ten channels, and its first lease request.
    private func running() throws -> (CampaignHarness, campaign: ID, admin: String, LeaseRequest) {
        let harness = try CampaignHarness()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one", isSuperAdmin: true)
        try harness.hearWorker()
        let campaign = try harness.makeCampaign()
        return (harness, campaign, admin, try #require(try harness.start(campaign).first))
    }

    @Test(arguments: ["customer.dialing", "system.dialing"])
    func `while dialing is off leases go back untouched and none are asked for`(_ method: String) throws {
        let (harness, campaign, admin, request) = try running()
        try harness.ask(method, ["body": ["enabled": false]], as: admin)
        let leases = harness.leases(3)
        let effects = try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(lease(effects) == nil)
        let items = try harness.items()
        #expect(!items.contains { $0.kind == "dial" })
        let returned = items.compactMap { if case .attemptFinished(let end) = $0.body { end } else { nil } }
        #expect(returned.map(\.attempt) == leases.map(\.attempt))
        #expect(returned.allSatisfy { $0.outcome == .cancelled })
        // News of targets and the passing of time change nothing.
        #expect(
            lease(try harness.tell(.outdialReady(outdial: request.outdial, campaign: campaign, run: 1))) == nil
        )
        for second in 1...40 {
            harness.now = moment(second)
            let asked = lease(try harness.perform([.tick(isConnected: true)]))
            // Whether the list is exhausted is asked all the same.
            #expect(asked?.count ?? 0 == 0)
            if let asked { try harness.perform([.leased(asked, .leases([], isExhausted: false))]) }
        }
        #expect(try harness.campaign(campaign).status == .run)
        #expect(try harness.verify() == [])
    }

    @Test(arguments: ["customer.dialing", "system.dialing"])
    func `dialing goes on at once when it is on again, and calls under way are left`(_ method: String) throws {
        let (harness, campaign, admin, request) = try running()
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(try harness.items().count { $0.kind == "dial" } == 2)
        try harness.ask(method, ["body": ["enabled": false]], as: admin)
        #expect(try harness.items().allSatisfy { !["cancel", "hangup"].contains($0.kind) })
        try harness.report(.progressing, leases[0])
        #expect(try harness.call(leases[0].attempt)?.phase == .answered)
        let switched = try harness.askForEffects(method, ["body": ["enabled": true]], as: admin)
        #expect(lease(switched)?.campaign == campaign)
        #expect(lease(switched)?.count == 8)
    }

    @Test func `a campaign that is started while dialing is off runs and waits`() throws {
        let harness = try CampaignHarness()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        try harness.hearWorker()
        try harness.ask("customer.dialing", ["body": ["enabled": false]], as: admin)
        let campaign = try harness.makeCampaign()
        #expect(try harness.start(campaign).isEmpty)
        #expect(try harness.campaign(campaign).status == .run)
        #expect(try harness.ask("customer.get", [:], as: admin)["dialing_enabled"] == false)
    }

    @Test func `one customer's switch does not hold up another, and both switches have to be on`() throws {
        let (harness, _, admin, _) = try running()
        _ = try harness.makeCustomer(id(4), named: "two")
        try harness.ask("customer.dialing", ["body": ["enabled": false]], as: "system", of: id(4))
        #expect(lease(try harness.perform([.tick(isConnected: true)])) == nil)
        try harness.ask("system.dialing", ["body": ["enabled": false]], as: admin)
        try harness.ask("customer.dialing", ["body": ["enabled": false]], as: admin)
        #expect(lease(try harness.askForEffects("system.dialing", ["body": ["enabled": true]], as: admin)) == nil)
        #expect(try harness.ask("system.get", [:], as: admin)["enabled"] == true)
        #expect(
            try harness.refusal("system.dialing", ["body": [:]], as: admin)?.message.hasPrefix("enabled") == true
        )
    }

    @Test func `a switch survives a restart`() throws {
        let (harness, campaign, admin, _) = try running()
        try harness.ask("system.dialing", ["body": ["enabled": false]], as: admin)
        let restarted = CampaignTurn()
        var effects: [CampaignEffect] = []
        let collected = Collected()
        for second in 1...3 {
            _ = try harness.file.perform(now: moment(second), ids: &harness.ids) { turn in
                try restarted.run(turn, [.tick(isConnected: true)]) { collected.add($0) }
            }
        }
        effects = collected.all
        #expect(!effects.contains { if case .lease(let request) = $0 { request.count > 0 } else { false } })
        #expect(try harness.campaign(campaign).status == .run)
    }

    @Test func `a hangup is told to the worker once, and a call that is over has none`() throws {
        let (harness, _, admin, request) = try running()
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.progressing, leases[0])
        let call = try #require(try harness.call(leases[0].attempt)).assignment.call
        let listed = try harness.ask("call.list", [:], as: admin)["result"].array ?? []
        #expect(Set(listed.compactMap { $0["id"].id }).count == 2)
        #expect(try harness.ask("call.get", ["id": .id(call)], as: admin)["status"] == "progressing")
        #expect(try harness.ask("call.hangup", ["id": .id(call)], as: admin)["status"] == "terminating")
        #expect(try harness.ask("call.hangup", ["id": .id(call)], as: admin)["status"] == "terminating")
        #expect(
            try harness.items().compactMap { if case .hangup(let attempt) = $0.body { attempt } else { nil } }
                == [leases[0].attempt]
        )
        try harness.report(.hangup, leases[0], "normal", by: "local")
        let over = try harness.ask("call.get", ["id": .id(call)], as: admin)
        #expect(over["status"] == "hangup")
        #expect(over["hangup_by"] == "local")
        #expect(try harness.refusal("call.hangup", ["id": .id(call)], as: admin)?.reason == "STATE_INVALID")
        #expect(
            try harness.refusal("call.hangup", ["id": .id(call)], as: admin, of: id(4))?.reason == "CALL_NOT_FOUND"
        )
        // An attempt that was never placed is no call.
        let other = try #require(try harness.call(leases[1].attempt)).assignment.call
        _ = try harness.tell(
            .attemptRefused(attempt: leases[1].attempt, reason: "late", journal: CampaignHarness.journal, sequence: 9)
        )
        #expect(try harness.refusal("call.get", ["id": .id(other)], as: admin)?.reason == "CALL_NOT_FOUND")
        #expect(try harness.refusal("call.hangup", ["id": .id(other)], as: admin)?.reason == "CALL_NOT_FOUND")
        #expect(try harness.verify() == [])
    }
}

/// Effects of turns.
private final class Collected: @unchecked Sendable {
    // Turns and their effects run on the test's thread.
    private(set) var all: [CampaignEffect] = []
    func add(_ effects: [CampaignEffect]) { all += effects }
}

extension CampaignHarness {
    /// What a change wants done.
    fileprivate func askForEffects(
        _ method: String,
        _ params: JSONValue,
        as actor: String
    ) throws -> [CampaignEffect] {
        let request = Request(
            method: method,
            customerID: CampaignHarness.customer,
            actor: actor,
            correlation: ids.next(at: now),
            params: params
        )
        return try perform([.request(request, answer: { _ in })])
    }
}
