import CampaignDomain
import Contracts
import OutdialDomain
import Testing

extension SystemTests {
    /// Campaigns that run to their end undisturbed: every count follows from the magic numbers.
    @Suite struct CampaignTests {
        @Test("A1: over the real wire two thousand targets end exactly as their numbers say")
        func twoThousandTargetsEndExactlyAsTheirNumbersSay() async throws {
            let system = try await SharedSystem.current.system()
            let rows = (0..<2000).map { [number(101, $0, $0 % 9 + 1)] }
            let of = (1...9).reduce(into: [Int: Int]()) { counts, magic in
                counts[magic] = (0..<2000).count { $0 % 9 + 1 == magic }
            }
            func count(_ magic: Int...) -> Int { magic.reduce(0) { $0 + (of[$1] ?? 0) } }
            let setup = try await system.api.makeCampaign(rows, tries: [2])
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(90))

            let facts = try system.facts().of(setup)
            #expect(
                facts.callsByReason == [
                    "normal": count(1, 5, 7, 8, 9), "busy": 2 * count(2, 6) + count(9), "no_answer": 2 * count(3),
                    "failed": 2 * count(4),
                ]
            )
            #expect(facts.ledger.count == 2000 + count(2, 3, 4, 6, 9))
            #expect(facts.targets(.done) == 2000)
            #expect(facts.targets(result: "success") == count(1, 5, 7, 8, 9))
            #expect(facts.targets(result: "fail") == count(2, 3, 4, 6))
            facts.expectSound()

            let progress = try await system.api.campaign(setup.id)["progress"]
            #expect(progress["targets"].integer == 2000)
            #expect(progress["done"].integer == 2000)
            #expect(progress["idle"].integer == 0)
            #expect(progress["progressing"].integer == 0)
            #expect(progress["success"].integer == Int64(count(1, 5, 7, 8, 9)))
            #expect(progress["fail"].integer == Int64(count(2, 3, 4, 6)))
            #expect(progress["calls"].integer == Int64(facts.ledger.count))
            #expect(progress["dialing"].integer == 0)
            #expect(progress["answered"].integer == 0)
        }

        @Test func destinationsAreTriedInOrderEachAsOftenAsThePlanSays() async throws {
            let system = try await SharedSystem.current.system()
            // Busy, failed and busy to the end; an answer on destination 1; busy, then an answer, on destination 2.
            let ends: [[Int]] = [[2, 4, 2], [2, 1, 2], [2, 4, 9]]
            let rows = (0..<150).map { row in ends[row % 3].enumerated().map { number(110 + $0, row, $1) } }
            let setup = try await system.api.makeCampaign(rows, tries: [2, 1, 3])
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
            let facts = try system.facts().of(setup)
            let calls = Dictionary(grouping: facts.ledger, by: \.destinationIndex).mapValues(\.count)
            #expect(calls == [0: 300, 1: 150, 2: 50 * 3 + 50 * 2])
            let expected = [
                2: ["0/1", "0/2", "1/1", "2/1", "2/2", "2/3"], 1: ["0/1", "0/2", "1/1"],
                9: ["0/1", "0/2", "1/1", "2/1", "2/2"],
            ]
            for (target, entries) in facts.ledgerByTarget {
                let order = entries.map { "\($0.destinationIndex)/\($0.tryCount)" }
                let numbers = facts.targets[target]?.destinations.compactMap { $0?.target } ?? []
                try #require(numbers.count == 3)
                let kind = numbers[1].hasSuffix("1") ? 1 : numbers[2].hasSuffix("9") ? 9 : 2
                #expect(order == expected[kind])
                #expect(entries.allSatisfy { $0.number == numbers[$0.destinationIndex] })
                for (earlier, later) in zip(entries, entries.dropFirst()) {
                    let ended = try #require(facts.calls[earlier.attempt]?.endedAt)
                    #expect(later.time.microseconds - ended.microseconds >= 1_000_000)
                }
            }
            #expect(facts.ledgerByTarget.count == 150)
            #expect(facts.targets(result: "success") == 100)
            #expect(facts.targets(result: "fail") == 50)
            facts.expectSound()
        }

        @Test func aContinuingCampaignStartsOnNewTargetsAtOnce() async throws {
            let system = try await SharedSystem.current.system()
            let setup = try await system.api.makeCampaign(
                (0..<20).map { [number(120, $0, 1)] },
                tries: [1],
                settings: ["end_handle": "continue"]
            )
            try await system.api.setStatus(setup.id, "run")
            for index in 20...22 {
                try await eventually("all \(index) are done", within: .seconds(20)) {
                    let campaign = try await system.api.campaign(setup.id)
                    #expect(campaign["status"].string == "run")
                    return campaign["progress"]["done"].integer == Int64(index)
                }
                guard index < 22 else { break }
                let begin = ContinuousClock.now
                _ = try await system.api.call(
                    "POST",
                    "/v1.0/outdials/\(setup.outdial)/targets",
                    ["destination_0": ["target": .string(number(120, index, 1))]]
                )
                try await eventually("the new target is dialed", within: .seconds(2)) {
                    try Facts.readLedger(system.ledger).count { $0.campaign == setup.id } == index + 1
                }
                #expect(ContinuousClock.now - begin < .seconds(2))
            }
            #expect(try await system.api.campaign(setup.id)["status"].string == "run")
            try await system.api.setStatus(setup.id, "stop")
            try await eventually("it stops", within: .seconds(5)) {
                try await system.api.campaign(setup.id)["status"].string == "stop"
            }
            #expect(try await system.api.campaign(setup.id)["end_reason"].string == "requested")
            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason == ["normal": 22])
            facts.expectSound()
        }

        @Test func aStopInTheMiddleUsesUpNobodysTry() async throws {
            let system = try await SharedSystem.current.system()
            // Half of them ring 1.5 s in vain, the others talk; every one has a single try.
            let setup = try await system.api.makeCampaign(
                (0..<400).map { [number(130, $0, $0 % 2 == 0 ? 3 : 1)] },
                tries: [1],
                settings: ["max_concurrent": 60]
            )
            try await system.api.setStatus(setup.id, "run")
            for (index, done) in [60, 150].enumerated() {
                try await eventually("\(done) are done and some are ringing", within: .seconds(30)) {
                    let progress = try await system.api.campaign(setup.id)["progress"]
                    return progress["done"].integer ?? 0 >= done && progress["dialing"].integer ?? 0 >= 10
                }
                let status = try await system.api.setStatus(setup.id, "stop")["status"].string
                #expect(status == "stopping" || status == "stop")
                // The first time it goes on before it has stopped, the second time after.
                if index == 1 {
                    try await eventually("it stops", within: .seconds(5)) {
                        try await system.api.campaign(setup.id)["status"].string == "stop"
                    }
                    #expect(try await system.api.campaign(setup.id)["end_reason"].string == "requested")
                    let facts = try system.facts().of(setup)
                    #expect(facts.calls.values.contains { $0.outcome == .cancelled && $0.hangupReason == "cancel" })
                    #expect(facts.targets(.progressing) == 0)
                    #expect(facts.targets(.idle) > 0)
                    facts.expectSound()
                }
                let again = try await system.api.setStatus(setup.id, "run")
                #expect(again["status"].string == "run")
            }
            try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason["normal"] == 200)
            #expect(facts.callsByReason["no_answer"] == 200)
            #expect(facts.calls.values.count { $0.outcome == .placed } == 400)
            #expect(facts.targets(result: "success") == 200)
            #expect(facts.targets(result: "fail") == 200)
            #expect(facts.targets.values.allSatisfy { $0.tryCounts == [1, 0, 0, 0, 0] })
            facts.expectSound()
        }

        @Test func twoCampaignsRunAtOnceButNotOnOneOutdial() async throws {
            let system = try await SharedSystem.current.system()
            let first = try await system.api.makeCampaign(
                (0..<300).map { [number(140, $0, $0 % 3 == 0 ? 3 : 1)] },
                tries: [1],
                settings: ["max_concurrent": 100]
            )
            let second = try await system.api.makeCampaign(
                (0..<300).map { [number(141, $0, $0 % 3 == 0 ? 9 : 2)] },
                tries: [2],
                settings: ["max_concurrent": 100]
            )
            let rival = try await system.api.makeCampaign(on: first.outdial, tries: [1])
            try await system.api.setStatus(first.id, "run")
            try await system.api.setStatus(second.id, "run")
            let refused = try await system.api.answer("PUT", "/v1.0/campaigns/\(rival)/status", ["status": "run"])
            #expect(refused.status == 409)
            #expect(refused.json["error"]["reason"].string == "OUTDIAL_IN_USE")
            #expect(try await system.api.campaign(rival)["status"].string == "stop")
            try await system.api.awaitExhaustion(first.id, within: .seconds(60))
            try await system.api.awaitExhaustion(second.id, within: .seconds(60))

            let facts = try system.facts()
            #expect(facts.of(first).callsByReason == ["normal": 200, "no_answer": 100])
            #expect(facts.of(second).callsByReason == ["busy": 100 + 2 * 200, "normal": 100])
            #expect(!facts.calls.values.contains { $0.assignment.campaign == rival })
            let ends = try [first, second].map { setup in
                let times = facts.of(setup).ledger.map(\.time)
                return (try #require(times.min()), try #require(times.max()))
            }
            #expect(ends[0].0 < ends[1].1 && ends[1].0 < ends[0].1, "they ran one after the other")
            facts.of(first, second).expectSound()
        }

        @Test func twoWorkersShareTheCalls() async throws {
            let system = try await SharedSystem.current.system()
            let setup = try await system.api.makeCampaign((0..<400).map { [number(150, $0, 1)] }, tries: [1])
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
            let facts = try system.facts().of(setup)
            let byWorker = Dictionary(grouping: facts.ledger, by: \.worker).mapValues(\.count)
            #expect(byWorker.keys.sorted() == ["1", "2"])
            #expect(byWorker.values.allSatisfy { $0 >= 100 }, "\(byWorker)")
            #expect(Set(facts.ledger.map(\.attempt)).count == 400)
            #expect(Set(facts.ledger.map(\.number)).count == 400)
            facts.expectSound()
        }

        @Test func concurrencyAndRateStayWithinTheirLimits() async throws {
            let system = try await SharedSystem.current.system()
            let narrow = try await system.api.makeCampaign(
                (0..<100).map { [number(160, $0, 1)] },
                tries: [1],
                settings: ["max_concurrent": 10]
            )
            let slow = try await system.api.makeCampaign(
                (0..<200).map { [number(161, $0, 1)] },
                tries: [1],
                settings: ["calls_per_second": 40]
            )
            try await system.api.setStatus(narrow.id, "run")
            try await system.api.setStatus(slow.id, "run")
            try await system.api.awaitExhaustion(narrow.id, within: .seconds(60))
            try await system.api.awaitExhaustion(slow.id, within: .seconds(60))

            let calls = try await system.api.list("/v1.0/campaigns/\(narrow.id)/campaigncalls")
            #expect(calls.count == 100)
            var changes: [(Timestamp, Int)] = []
            for call in calls {
                changes.append((try #require(call["tm_create"].string.flatMap { Timestamp(parsing: $0) }), 1))
                changes.append((try #require(call["tm_hangup"].string.flatMap { Timestamp(parsing: $0) }), -1))
            }
            var (live, most) = (0, 0)
            for change in changes.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
                live += change.1
                most = max(most, live)
            }
            #expect(most <= 10)
            #expect(most >= 5, "the limit is hardly used")

            let facts = try system.facts()
            let times = facts.of(slow).ledger.map(\.time.microseconds).sorted()
            #expect(times.count == 200)
            let windows = times.map { start in times.count { $0 >= start && $0 < start + 1_000_000 } }
            #expect(windows.max() ?? 0 <= 44)
            // Nor is it much slower than allowed: 200 calls at 40 a second take 5 s.
            #expect(times[199] - times[0] < 9_000_000)
            facts.of(narrow, slow).expectSound()
        }
    }
}
