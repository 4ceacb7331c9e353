import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import TestSupport
import Testing

/// `campaigncall.changes`: what followers of a campaign are told.
@Suite struct CallChangesTests {
    private func ask(
        _ harness: CampaignHarness,
        _ campaign: ID,
        after mark: Int64?,
        customer: ID? = nil
    ) throws -> JSONValue {
        let reads = CampaignReads(log: try harness.reader, clock: { moment(0) })
        let request = Request(
            method: "campaigncall.changes",
            customerID: customer ?? CampaignHarness.customer,
            actor: "test",
            correlation: .none,
            params: ["campaign_id": .id(campaign), "after": mark.map { .integer($0) } ?? .null]
        )
        return try reads.answer(request).get()
    }

    private func ids(_ answer: JSONValue) -> [ID] {
        (answer["changes"].array ?? []).compactMap { $0["campaigncall"]["id"].id }
    }

    /// A running campaign with `count` calls under way.
    private func running(_ harness: CampaignHarness, calls count: Int) throws -> (campaign: ID, leases: [Lease]) {
        try harness.hearWorker(channels: count)
        let campaign = try harness.makeCampaign()
        var (asked, leases): ([LeaseRequest], [Lease]) = (try harness.start(campaign), [])
        while let request = asked.first, leases.count < count {
            let granted = harness.leases(Int(request.count))
            leases += granted
            let effects = try harness.perform([.leased(request, .leases(granted, isExhausted: false))])
            asked = effects.compactMap { if case .lease(let request) = $0 { request } else { nil } }
        }
        try #require(leases.count == count)
        return (campaign, leases)
    }

    @Test func withoutAMarkOneLearnsOnlyTheMarkOfNow() throws {
        let harness = try CampaignHarness()
        let (campaign, _) = try running(harness, calls: 3)
        let answer = try ask(harness, campaign, after: nil)
        #expect(ids(answer).isEmpty && answer["more"] == false && answer["reset"] == false)
        #expect(answer["next"].integer == (try harness.reader.head()))
    }

    @Test func aCallIsToldOnceForAllItsChangesAndAsItIsNow() throws {
        let harness = try CampaignHarness()
        let (campaign, leases) = try running(harness, calls: 3)
        let mark = try #require(try ask(harness, campaign, after: nil)["next"].integer)
        try harness.report(.dialing, leases[2])
        try harness.report(.dialing, leases[0])
        try harness.report(.ringing, leases[2])
        let answer = try ask(harness, campaign, after: mark)
        #expect(ids(answer) == [leases[0].attempt, leases[2].attempt])
        let marks = (answer["changes"].array ?? []).compactMap { $0["mark"].integer }
        #expect(marks == marks.sorted() && marks.allSatisfy { $0 > mark })
        let next = try #require(answer["next"].integer)
        #expect(ids(try ask(harness, campaign, after: next)).isEmpty)
        // Who has read half of it is told of the other half.
        #expect(ids(try ask(harness, campaign, after: marks[0])) == [leases[2].attempt])
    }

    @Test func callsOfOtherCampaignsAreNotTold() throws {
        let harness = try CampaignHarness()
        let (campaign, leases) = try running(harness, calls: 2)
        let other = try harness.makeCampaign()
        try harness.report(.dialing, leases[0])
        #expect(ids(try ask(harness, other, after: 0)).isEmpty)
        #expect(ids(try ask(harness, campaign, after: 0)).count == 2)
        #expect(throws: Refusal.self) { _ = try ask(harness, campaign, after: 0, customer: id(4)) }
        #expect(throws: Refusal.self) { _ = try ask(harness, id(5), after: 0) }
    }

    @Test func aMarkFromAnotherLogBeginsAnew() throws {
        let harness = try CampaignHarness()
        let (campaign, _) = try running(harness, calls: 1)
        let head = try harness.reader.head()
        for mark in [head + 1, .max] {
            let answer = try ask(harness, campaign, after: mark)
            #expect(answer["reset"] == true && answer["next"].integer == head)
        }
    }

    @Test func oneAnswerHoldsFiveHundredCallsAtMost() throws {
        let harness = try CampaignHarness()
        let (campaign, leases) = try running(harness, calls: 1_200)
        var (mark, told): (Int64, [ID]) = (0, [])
        for (count, more) in [(500, true), (500, true), (200, false)] {
            let answer = try ask(harness, campaign, after: mark)
            #expect(ids(answer).count == count && answer["more"].bool == more)
            told += ids(answer)
            mark = try #require(answer["next"].integer)
        }
        #expect(told == leases.map(\.attempt))
    }
}
