import Contracts
import EventLog
import OutdialDomain
import TestSupport
import Testing

extension SystemTests {
    /// A network that delivers a quarter of all messages twice, a quarter late, and what arrives together in any order.
    @Suite struct DeliveryFaultTests {
        @Test(.serialized, arguments: 1...(isDeep ? 12 : 3))
        func aCampaignEndsByItselfWhateverTheOrderOfItsMessages(_ seed: Int) async throws {
            let faults = "\(seed):\(20 + seed % 11):300"
            try await FaultySystem.with(timeScale: 0.05, environment: ["CARILLON_DELIVERY_FAULTS": faults]) { system in
                let magic = [1, 9, 2, 4, 7, 3]
                let setup = try await system.api.makeCampaign(
                    (0..<48).map { [number(410, $0, magic[$0 % magic.count])] },
                    tries: [2],
                    settings: ["max_concurrent": 10]
                )
                var stops: [Range<Timestamp>] = []
                for round in 1...4 {
                    try await FaultySystem.setStatus(setup.id, "run", on: system)
                    try await eventually("some are done and some under way", within: .seconds(30)) {
                        let campaign = try await system.api.campaign(setup.id)
                        if campaign["status"].string == "stop" { return true }
                        return campaign["progress"]["done"].integer ?? 0 >= 5 * round
                            && campaign["progress"]["dialing"].integer ?? 0 > 0
                    }
                    try await FaultySystem.setStatus(setup.id, "stop", on: system)
                    try await eventually("it stops", within: .seconds(30)) {
                        try await system.api.campaign(setup.id)["status"].string == "stop"
                    }
                    let stoppedAt = WallClock.now()
                    // Longer than any message is late.
                    try await Task.sleep(for: .milliseconds(400))
                    stops.append(stoppedAt..<WallClock.now())
                }
                try await FaultySystem.setStatus(setup.id, "run", on: system)
                try await system.api.awaitExhaustion(setup.id, within: .seconds(90))
                let facts = try system.facts().of(setup)
                for stop in stops {
                    let dialed = facts.ledger.filter { stop.contains($0.time) }
                    #expect(dialed.isEmpty, "\(dialed.count) were called while the campaign was stopped, seed \(seed)")
                }
                #expect(facts.targets(.done) == 48, "seed \(seed)")
                #expect(facts.targets(result: "success") == 24, "seed \(seed)")
                #expect(facts.callsByReason["outcome_unknown"] == nil, "seed \(seed): \(facts.callsByReason)")
                let problems = try await FaultySystem.awaitQuiet(system)
                #expect(problems.isEmpty, "seed \(seed): \(problems)")
            }
        }
    }
}
