import CampaignDomain
import Contracts
import OutdialDomain
import Service
import Testing

extension SystemTests {
    /// Calling windows, do-not-call lists and shared numbers, over the real wire.
    @Suite struct WhoIsNotCalledTests {
        /// Open at any time, and still only where the time is known.
        private static let always: JSONValue = [["weekdays": [0, 1, 2, 3, 4, 5, 6], "from": "00:00", "to": "24:00"]]

        @Test func aListedNumberIsNotCalledAndTheOthersAre() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let rows = (0..<20).map { [number(730, $0, 1)] }
            let list = try #require(try await api.call("POST", "/v1.0/dnclists", ["name": "by letter"])["id"].string)
            let added = try await api.call("POST", "/v1.0/dnclists/\(list)/numbers", ["numbers": [.string(rows[3][0])]])
            #expect(added["added"].integer == 1)
            let setup = try await api.makeCampaign(rows, tries: [1])
            try await api.setStatus(setup.id, "run")
            try await api.awaitExhaustion(setup.id, within: .seconds(40))
            let facts = try system.facts().of(setup)
            #expect(facts.ledger.count == 19)
            #expect(!facts.ledger.contains { $0.number == rows[3][0] })
            let targets = facts.targets.values.filter { $0.resultReason == "do_not_call" }
            #expect(targets.map { $0.destinations[0]?.target } == [rows[3][0]])
            facts.expectSound()
            try await api.call("DELETE", "/v1.0/dnclists/\(list)")
        }

        @Test func aCampaignWaitsForItsWindowAndGoesOnWhenItOpens() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let rows = (0..<20).map { [number(212, 731_000 + $0, 1)] }
            let setup = try await api.makeCampaign(rows, tries: [1])
            let campaign = try await api.campaign(setup.id)
            let outplan = try #require(campaign["outplan_id"].string)
            // Nobody is called on any of these days, wherever they are.
            let today = CalendarDate(day: Clock.wall().microseconds / 86_400_000_000)
            let holidays = (-1...5).map { JSONValue.string(CalendarDate(day: today.day + Int64($0)).description) }
            try await api.call("PUT", "/v1.0/outplans/\(outplan)", ["holidays": .array(holidays)])
            try await api.setStatus(setup.id, "run")
            try await eventually("everybody waits for the window", within: .seconds(20)) {
                !(try await api.campaign(setup.id)["progress"]["waiting_until"].isNull)
            }
            #expect(try await api.campaign(setup.id)["status"].string == "run")
            #expect(try system.facts().of(setup).ledger.isEmpty)
            let body: JSONValue = ["holidays": [], "calling_windows": Self.always]
            try await api.call("PUT", "/v1.0/outplans/\(outplan)", body)
            try await api.awaitExhaustion(setup.id, within: .seconds(40))
            let facts = try system.facts().of(setup)
            #expect(facts.ledger.count == 20)
            #expect(facts.targets(result: "success") == 20)
            facts.expectSound()
        }

        @Test func twoCampaignsWithTheSameNumbersNeverRingOneTwiceAtATime() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let rows = (0..<15).map { [number(732, $0, 1)] }
            let first = try await api.makeCampaign(rows, tries: [1])
            let second = try await api.makeCampaign(rows, tries: [1])
            try await api.setStatus(first.id, "run")
            try await api.setStatus(second.id, "run")
            try await api.awaitExhaustion(first.id, within: .seconds(40))
            try await api.awaitExhaustion(second.id, within: .seconds(40))
            let facts = try system.facts().of(first, second)
            #expect(facts.ledger.count == 30)
            for (number, calls) in Dictionary(grouping: facts.ledger, by: \.number) {
                let inOrder = calls.sorted { $0.time < $1.time }
                for (earlier, later) in zip(inOrder, inOrder.dropFirst()) {
                    let ended = try #require(facts.calls[earlier.attempt]?.endedAt)
                    #expect(ended <= later.time, "\(number.suffix(4)) rang twice at a time")
                }
            }
            facts.expectSound()
        }
    }
}
