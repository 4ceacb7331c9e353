import Contracts
import OutdialDomain
import TestSupport
import Testing

@Suite struct OutdialRulesTests {
    static let plan = DialPlan(maximumTries: [1, 1, 1, 1, 1], tryInterval: 1000)
    static let created = OutdialEvent.created(
        id: id(1),
        customer: id(3),
        name: "",
        detail: "",
        data: "",
        campaign: .none
    )

    func outdial(_ events: OutdialEvent...) throws -> Outdial {
        try #require(given(Outdial.self, [Self.created] + events))
    }

    func claimed(by campaign: UInt64 = 5, run: Int64 = 1) -> OutdialEvent {
        .claimed(campaign: id(campaign), run: run, plan: Self.plan)
    }

    @Test func `one campaign at a time claims an outdial`() throws {
        let free = try outdial()
        #expect(try free.claim(campaign: id(5), run: 1, plan: Self.plan) == [claimed()])
        let held = try outdial(claimed())
        let refusal = #expect(throws: Refusal.self) { try held.claim(campaign: id(6), run: 1, plan: Self.plan) }
        #expect(refusal?.reason == "OUTDIAL_IN_USE")
        #expect(try held.claim(campaign: id(5), run: 1, plan: Self.plan).isEmpty)
        #expect(try held.claim(campaign: id(5), run: 2, plan: Self.plan) == [claimed(run: 2)])
    }

    @Test func `a release of an earlier run does not end the claim of a later one`() throws {
        let held = try outdial(claimed(run: 2))
        #expect(held.release(campaign: id(5), run: 1).isEmpty)
        #expect(held.release(campaign: id(5), run: 2) == [.released(campaign: id(5), run: 2)])
    }

    @Test func `a wish is answered once, when something can be leased`() throws {
        let wishing = try outdial(claimed(), .wished(campaign: id(5), run: 1))
        #expect(wishing.wish().isEmpty)
        #expect(wishing.notice(hasEligible: false, idle: 3, progressing: 0).isEmpty)
        let ready = wishing.notice(hasEligible: true, idle: 3, progressing: 0)
        #expect(ready == [.ready(campaign: id(5), run: 1)])
        let answered = try outdial(claimed(), .wished(campaign: id(5), run: 1), .ready(campaign: id(5), run: 1))
        #expect(answered.notice(hasEligible: true, idle: 3, progressing: 0).isEmpty)
    }

    @Test func `exhausted is said once, with no lease open and no target left that waits`() throws {
        let held = try outdial(claimed())
        #expect(held.notice(hasEligible: false, idle: 1, progressing: 0).isEmpty)
        #expect(held.notice(hasEligible: false, idle: 0, progressing: 1).isEmpty)
        let exhausted = held.notice(hasEligible: false, idle: 0, progressing: 0)
        #expect(exhausted == [.exhausted(campaign: id(5), run: 1)])
        let told = try outdial(claimed(), .exhausted(campaign: id(5), run: 1))
        #expect(told.notice(hasEligible: false, idle: 0, progressing: 0).isEmpty)
        #expect(try outdial().notice(hasEligible: false, idle: 0, progressing: 0).isEmpty)
    }

    @Test func `a claimed outdial is neither deleted nor given to another campaign`() throws {
        let held = try outdial(claimed())
        #expect(throws: Refusal.self) { try held.delete() }
        #expect(throws: Refusal.self) { try held.assign(campaign: id(6)) }
        #expect(try outdial().delete() == [.deleted])
        #expect(try outdial(.deleted).delete().isEmpty)
    }

    @Test func `the claimant is shown as its campaign, else what was assigned`() throws {
        #expect(try outdial(.campaignAssigned(campaign: id(9)), claimed()).resource["campaign_id"].id == id(5))
        let released = try outdial(
            .campaignAssigned(campaign: id(9)),
            claimed(),
            .released(campaign: id(5), run: 1)
        )
        #expect(released.resource["campaign_id"].id == id(9))
    }

    @Test func `data may be any JSON, kept as its text`() throws {
        func data(_ json: JSONValue) throws -> JSONValue {
            let events = try Outdial.create(id: id(1), customer: id(3), body: try body(["data": json]))
            return try #require(given(Outdial.self, events)).resource["data"]
        }
        #expect(try data(.null) == "")
        #expect(try data("plain") == "plain")
        #expect(try data(["a": 1]) == .string("{\"a\":1}"))
    }

    @Test func `every event survives its stored form`() throws {
        let events: [OutdialEvent] = [
            Self.created, .updated(name: "a", detail: nil, data: nil), .campaignAssigned(campaign: id(4)), .deleted,
            claimed(),
            .planChanged(plan: Self.plan), .released(campaign: id(5), run: 1), .wished(campaign: id(5), run: 1),
            .ready(campaign: id(5), run: 1), .exhausted(campaign: id(5), run: 1),
        ]
        for event in events {
            #expect(
                try OutdialEvent(type: event.type, schema: 1, json: try JSONValue(parsing: event.json.bytes)) == event
            )
        }
        let held = try outdial(claimed())
        #expect(try Outdial(json: try JSONValue(parsing: held.json.bytes)) == held)
    }
}
