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

        @Test func whoOptsOutInAFlowIsNotCalledAgainByAnybody() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            // Who presses 1; somebody who presses nothing; and a number that is listed.
            let (leaver, other, listed) = (number(733, 0, 7), number(733, 1, 1), number(733, 2, 1))
            let list = try #require(try await api.call("POST", "/v1.0/dnclists", ["name": "no agents"])["id"].string)
            try await api.call("POST", "/v1.0/dnclists/\(list)/numbers", ["number": .string(listed)])
            let (leave, stay) = (JSONValue.id(ID(high: 78, low: 1)), JSONValue.id(ID(high: 78, low: 2)))
            let actions: JSONValue = [
                ["type": "digits_receive", "option": ["length": 1, "duration": 3000]],
                ["type": "branch", "option": ["target_ids": ["1": leave], "default_target_id": stay]],
                ["id": leave, "type": "variable_set", "option": ["key": "carillon.opt_out", "value": "true"]],
                ["id": stay, "type": "connect", "option": ["destinations": [["target": .string(listed)]]]],
                ["type": "talk", "option": ["text": "Good bye. We will do what you have asked us for."]],
            ]
            let setup = try await api.makeCampaign([[leaver], [other]], tries: [1], settings: ["actions": actions])
            try await api.setStatus(setup.id, "run")
            try await api.awaitExhaustion(setup.id, within: .seconds(30))
            let later = try await api.makeCampaign([[leaver]], tries: [1])
            try await api.setStatus(later.id, "run")
            try await api.awaitExhaustion(later.id, within: .seconds(30))

            let facts = try system.facts().of(setup, later)
            #expect(Set(facts.ledger.map(\.number)) == [leaver, other] && facts.ledger.count == 2)
            let check = try await api.get("/v1.0/dnclists/check?number=%2B\(leaver.dropFirst())")
            #expect(check["listed"] == true && check["dnclists"].array?.count == 1)
            let reasons = try system.facts().of(later).targets.values.map(\.resultReason)
            #expect(reasons == ["do_not_call"])
            // Nobody was connected with the listed number, and everybody's flow went on.
            let runs = try await api.list("/v1.0/activeflows?campaign_id=\(setup.id)")
            let connects = runs.map { run in
                run["executed_actions"].array?.first { $0["type"].string == "connect" }?["result"].string
            }
            #expect(connects == ["do_not_call", "do_not_call"])
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
