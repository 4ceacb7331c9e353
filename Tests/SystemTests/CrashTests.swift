import CampaignDomain
import Contracts
import OutdialDomain
import Testing

extension SystemTests {
    /// Each process is killed once in the middle of a campaign of a thousand people, on a system of its own.
    @Suite struct CrashTests {
        @Test(arguments: ["campaign-manager", "outdial-manager", "dialer-worker.1", "api-gateway", "rabbitmq"])
        func theCampaignEndsByItselfAlthoughADaemonWasKilled(_ name: String) async throws {
            try await withSystem { system in
                let setup = try await start(on: system)
                try await eventually("a third has been dialed", within: .seconds(30)) {
                    try Facts.readLedger(system.ledger).count >= 350
                }
                try await system.killAndAwaitRestart(name)
                let atKill = try Facts.readLedger(system.ledger).count
                #expect(atKill < 1000, "the kill came too late")
                do {
                    try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
                } catch {
                    let tails = ["campaign-manager", "outdial-manager", "dialer-worker.1"].map {
                        "\($0):\n\(system.logTail(of: $0))"
                    }
                    throw Failure(description: "\(error)\n\(system.standardError)\n\(tails.joined(separator: "\n"))")
                }
                try check(try system.facts().of(setup), killed: name)
            }
        }

        /// A thousand people of whom every fifth is busy at first; the calls take a few seconds altogether.
        private func start(on system: CarillonSystem) async throws -> CampaignSetup {
            let rows = (0..<1000).map { [number(200, $0, $0 % 5 == 0 ? 9 : 1)] }
            let setup = try await system.api.makeCampaign(
                rows,
                tries: [3],
                settings: ["max_concurrent": 100, "calls_per_second": 200]
            )
            // What a broker confirmed within a second of a queue's declaration may be lost with it.
            try await Task.sleep(until: system.readyAt + .seconds(5), clock: .continuous)
            try await system.api.setStatus(setup.id, "run")
            return setup
        }

        private func check(_ facts: Facts, killed name: String) throws {
            #expect(facts.targets(.done) == 1000)
            let reasons = facts.callsByReason
            let unknown = reasons["outcome_unknown"] ?? 0
            if name == "dialer-worker.1" {
                // Whatever was live is unknown now: that used a try, and there are more.
                #expect((1...100).contains(unknown), "\(unknown) are unknown; at most 100 can have been live")
                #expect(facts.targets(result: "success") == 1000)
            } else {
                // Nothing that the worker knows may be lost with another process.
                #expect(unknown == 0, "\(reasons)")
                #expect(reasons["busy"] == 200, "\(reasons)")
                #expect(reasons["normal"] == 1000, "\(reasons)")
                #expect(facts.targets(result: "success") == 1000)
            }
            facts.expectSound()
        }
    }
}
