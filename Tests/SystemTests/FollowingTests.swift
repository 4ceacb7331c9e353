import Contracts
import Testing

extension SystemTests {
    /// Campaigns that follow each other, pause and are tried out, as operators do it.
    @Suite struct FollowingTests {
        @Test("A3: a campaign that has worked off its list starts the next one, also on the same list")
        func campaignsFollowEachOther() async throws {
            let system = try await SharedSystem.current.system()
            let first = try await system.api.makeCampaign((0..<4).map { [number(195, $0, 1)] }, tries: [1])
            let second = try await system.api.makeCampaign((0..<3).map { [number(196, $0, 1)] }, tries: [1])
            // It works on the list of the first, where nobody is left: its run places nothing, and the chain ends.
            let third = try await system.api.call(
                "POST",
                "/v1.0/campaigns",
                ["outdial_id": .id(first.outdial), "outplan_id": try await system.api.campaign(first.id)["outplan_id"]]
            )
            for (campaign, next) in [(first.id, second.id), (second.id, try third.requireID("id"))] {
                let path = "/v1.0/campaigns/\(campaign)/next_campaign_id"
                _ = try await system.api.call("PUT", path, ["next_campaign_id": .id(next)])
            }
            let back: JSONValue = ["next_campaign_id": .id(first.id)]
            _ = try await system.api.call("PUT", "/v1.0/campaigns/\(try third.requireID("id"))", back)
            try await system.api.setStatus(first.id, "run")
            try await eventually("the chain has come to its end", within: .seconds(20)) {
                try await system.api.campaign(try third.requireID("id"))["next_campaign_reason"] == "NOTHING_PLACED"
            }
            for campaign in [first.id, second.id] {
                let shown = try await system.api.campaign(campaign)
                #expect(shown["next_campaign_result"] == "started" && shown["end_reason"] == "exhausted")
            }
            for (setup, calls) in [(first, 4), (second, 3)] {
                let facts = try system.facts().of(setup)
                #expect(facts.ledger.count == calls)
                facts.expectSound()
            }
        }

        @Test func aCampaignIsPausedAndTriedOutWithTheTool() async throws {
            let system = try await SharedSystem.current.system()
            let setup = try await system.api.makeCampaign((0..<5).map { [number(197, $0, 1)] }, tries: [1])
            let paused = try await carillon("campaign", "pause", "\(setup.id)")
            #expect(paused.output == "campaign \(setup.id): paused, stop\n", "\(paused.errors)")
            try await system.api.setStatus(setup.id, "run")
            let tested = try await carillon("campaign", "test-call", "\(setup.id)", number(198, 0, 1))
            #expect(tested.status == 0, "\(tested.errors)")
            let calls = try await system.api.get("/v1.0/calls")["result"].array ?? []
            let test = try #require(calls.first { $0["metadata"]["test_call"] == true })
            let path = "/v1.0/calls/\(try test.requireID("id"))"
            try await eventually("the test call has ended", within: .seconds(10)) {
                try await system.api.get(path)["status"] == "hangup"
            }
            let progress = try await system.api.campaign(setup.id)["progress"]
            #expect(progress["calls"] == 0 && progress["idle"] == 5)
            let unpaused = try await carillon("campaign", "unpause", "\(setup.id)")
            #expect(unpaused.output == "campaign \(setup.id): not paused, run\n")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(20))
            try system.facts().of(setup).expectSound()
        }
    }
}
