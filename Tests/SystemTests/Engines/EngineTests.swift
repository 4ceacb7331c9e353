import CampaignDomain
import Contracts
import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// Other people's dialing engines, over a real broker: the sample in Python.
    @Suite struct EngineTests {
        @Test func enginesOfStrangersCompleteCampaignsAndWhatTheyLoseIsVisible() async throws {
            let settings = [
                "CARILLON_ENGINE_ROUTES": "acme=100:acme-engine,leaky=100:leaky-engine",
                "CARILLON_SETTLE_TIMEOUT": "1500",
                "CARILLON_MAX_TALK_TIME": "1000", "CARILLON_ENGINE_START_WITHIN": "4000",
            ]
            try await withSystem(environment: settings) { system in
                func url(_ user: String) throws -> String { try system.engineURL(user) }
                let directory = system.directory.path
                let acme = try await makeCampaign(500, route: "acme", on: system.api)
                let leaky = try await makeCampaign(120, route: "leaky", on: system.api)
                // The one repeats and shuffles what it reports, the other loses a twentieth of it.
                let options = ["--channels", "100", "--talk", "0.02"]
                let engine = try PythonEngine(
                    try url("acme-engine"),
                    route: "acme",
                    options + ["--repeat", "0.15", "--shuffle"],
                    directory: directory
                )
                let loser = try PythonEngine(
                    try url("leaky-engine"),
                    route: "leaky",
                    options + ["--lose", "0.05"],
                    directory: directory
                )
                defer {
                    engine.stop()
                    loser.stop()
                }

                try await system.api.setStatus(acme.id, "run")
                try await system.api.setStatus(leaky.id, "run")
                try await system.api.awaitExhaustion(acme.id, within: .seconds(60))
                try await system.api.awaitExhaustion(leaky.id, within: .seconds(60))

                #expect(engine.isRunning && loser.isRunning, "\(engine.standardError) \(loser.standardError)")
                let all = try system.facts().of(acme)
                #expect(all.callsByReason == ["normal": 500])
                #expect(all.targets(result: "success") == 500)
                #expect(engine.dialed.count == 500 && Set(engine.dialed) == Set(all.calls.keys))

                let some = try system.facts().of(leaky)
                let unknown = some.calls.values.filter { $0.hangupReason == "outcome_unknown" }
                #expect((1...30).contains(unknown.count))
                #expect(some.callsByReason["normal"] == 120 - unknown.count)
                #expect(
                    loser.dialed.count == 120 && Set(loser.dialed) == Set(some.calls.keys),
                    "nobody is dialed twice"
                )
                #expect(try system.events("campaigncall_report_missing") >= unknown.count)
                let listed = try await system.api.list("/v1.0/campaigns/\(leaky.id)/campaigncalls")
                #expect(listed.count { $0["hangup_reason"].string == "outcome_unknown" } == unknown.count)

                try await LeastPrivilege(url: try url("acme-engine")).expectEngineOnly()
            }
        }

        @Test func nobodyIsDialedTwiceWhenAnEngineAndCampaignManagerAreKilled() async throws {
            let settings = [
                "CARILLON_ENGINE_ROUTES": "acme=60:acme-engine", "CARILLON_SETTLE_TIMEOUT": "1000",
                "CARILLON_MAX_TALK_TIME": "1000", "CARILLON_ENGINE_START_WITHIN": "3000",
            ]
            try await withSystem(environment: settings) { system in
                let url = try system.engineURL("acme-engine")
                let engines = try (0..<2).map { _ in
                    try PythonEngine(
                        url,
                        route: "acme",
                        ["--channels", "30", "--talk", "0.2"],
                        directory: system.directory.path
                    )
                }
                defer { for engine in engines { engine.stop() } }
                let campaign = try await makeCampaign(150, route: "acme", on: system.api)

                try await system.api.setStatus(campaign.id, "run")
                try await eventually("both engines dial", within: .seconds(20)) {
                    engines.allSatisfy { $0.dialed.count > 10 }
                }
                // With calls that it has taken, and not answered for; and with commands whose confirm is on its way.
                engines[0].stop()
                try await system.killAndAwaitRestart("campaign-manager")
                try await system.api.awaitExhaustion(campaign.id, within: .seconds(60))

                let dialed = engines.flatMap(\.dialed)
                #expect(Set(dialed).count == dialed.count, "nobody is dialed twice")
                let facts = try system.facts().of(campaign)
                for attempt in dialed {
                    let call = try #require(facts.calls[attempt])
                    #expect(call.outcome == .placed && ["normal", "outcome_unknown"].contains(call.hangupReason))
                }
                let reasons = facts.callsByReason
                #expect(reasons["normal", default: 0] + reasons["outcome_unknown", default: 0] == 150, "\(reasons)")
                #expect(reasons["outcome_unknown", default: 0] > 0)
            }
        }

        private func makeCampaign(_ count: Int, route: String, on api: API) async throws -> CampaignSetup {
            let group = route == "acme" ? 801 : 802
            let rows = (0..<count).map { [number(group, $0, 1)] }
            return try await api.makeCampaign(rows, tries: [1], dialTimeout: 1000, settings: ["route": .string(route)])
        }
    }
}

extension CarillonSystem {
    /// The broker's address of an engine's user, as `up` writes it down.
    func engineURL(_ user: String) throws -> String {
        try String(contentsOfFile: "\(dataDirectory)/engines/\(user).url", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
