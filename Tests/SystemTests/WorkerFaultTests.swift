import CampaignDomain
import Contracts
import Foundation
import Glibc
import OutdialDomain
import TestSupport
import Testing

extension SystemTests {
    /// Workers that fall silent, lose their memory or remember too little: nobody is called twice for one attempt.
    @Suite struct WorkerFaultTests {
        @Test func aWorkerThatWasSuspendedForTooLongIsIgnoredWithWhatItReports() async throws {
            try await FaultySystem.with(timeScale: 1, environment: ["CARILLON_MAX_TALK_TIME": "60000"]) { system in
                let setup = try await startTalking(on: system)
                let worker = try system.pid(of: "dialer-worker.1")
                kill(worker, SIGSTOP)
                defer { kill(worker, SIGCONT) }
                // The other worker takes over what is left, the second tries included.
                try await system.api.awaitExhaustion(setup.id, within: .seconds(90))
                let unknown = try system.facts().of(setup).callsByReason["outcome_unknown"] ?? 0
                #expect((1...5).contains(unknown), "\(unknown) are unknown; five calls were live")
                #expect(try system.events("worker_lost") == 1)
                kill(worker, SIGCONT)
                try await eventually("its late results are ignored", within: .seconds(30)) {
                    try system.events("campaigncall_late_result_ignored") >= unknown
                }
                try await eventually("it is back", within: .seconds(30)) {
                    try system.events("worker_returned") >= 1
                }
                // It takes part again, on the same list.
                try await system.api.importTargets((0..<10).map { [number(402, $0, 1)] }, into: setup.outdial)
                try await FaultySystem.setStatus(setup.id, "run", on: system)
                try await system.api.awaitExhaustion(setup.id, within: .seconds(90))
                let facts = try system.facts().of(setup)
                #expect(facts.ledger.filter { $0.worker == "1" && $0.number.contains("402") }.isEmpty == false)
            }
        }

        @Test func theAttemptsOfAWorkerThatNeverReturnsEndAsUnknown() async throws {
            try await FaultySystem.with(timeScale: 0.3, environment: [:], bringBack: "away") { system in
                let setup = try await startTalking(on: system)
                try moveJournal(in: system.dataDirectory, from: "dialer-worker.1", to: "away")
                // Whoever opens this gives up.
                let broken = "\(system.dataDirectory)/dialer-worker.1.db"
                try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: false)
                kill(try system.pid(of: "dialer-worker.1"), SIGKILL)
                try await system.api.awaitExhaustion(setup.id, within: .seconds(90))
                let facts = try system.facts().of(setup)
                #expect((1...5).contains(facts.callsByReason["outcome_unknown"] ?? 0), "\(facts.callsByReason)")
                #expect(facts.targets(result: "success") == 20)
                #expect(facts.targets(.done) == 20)
                try FileManager.default.removeItem(atPath: broken)
            }
        }

        @Test func aWipedJournalIsANewOneAndTheOldAttemptsAreSettled() async throws {
            try await FaultySystem.with(timeScale: 0.3, environment: [:], bringBack: "away") { system in
                let setup = try await startTalking(on: system)
                try moveJournal(in: system.dataDirectory, from: "dialer-worker.1", to: "away")
                kill(try system.pid(of: "dialer-worker.1"), SIGKILL)
                try await system.api.awaitExhaustion(setup.id, within: .seconds(90))
                #expect(try system.events("worker_registered") == 3)
                let facts = try system.facts().of(setup)
                #expect((1...5).contains(facts.callsByReason["outcome_unknown"] ?? 0), "\(facts.callsByReason)")
                #expect(facts.targets(result: "success") == 20)
                // The new journal took its part under the old name.
                let journals = Set(facts.calls.values.filter { $0.assignment.worker == "1" }.map(\.assignment.journal))
                #expect(journals.count == 2)
            }
        }

        @Test func aRestoredOlderJournalIsRefusedForGood() async throws {
            let directory = try TemporaryDirectory()
            let first = try await FaultySystem.start(timeScale: 0.02, environment: [:], in: directory)
            let data = first.dataDirectory
            let setup = try await first.api.makeCampaign((0..<20).map { [number(403, $0, 1)] }, tries: [2])
            try await FaultySystem.setStatus(setup.id, "run", on: first)
            try await first.api.awaitExhaustion(setup.id, within: .seconds(30))
            try await first.stop()
            for suffix in ["", "-wal", "-shm"] {
                let file = "\(data)/dialer-worker.1.db\(suffix)"
                guard FileManager.default.fileExists(atPath: file) else { continue }
                try FileManager.default.copyItem(atPath: file, toPath: "\(data)/copy.db\(suffix)")
            }
            let second = try await FaultySystem.start(timeScale: 0.02, environment: [:], in: directory)
            try await second.api.importTargets((0..<20).map { [number(404, $0, 1)] }, into: setup.outdial)
            try await FaultySystem.setStatus(setup.id, "run", on: second)
            try await second.api.awaitExhaustion(setup.id, within: .seconds(30))
            try await second.stop()

            try moveJournal(in: data, from: "dialer-worker.1", to: "true")
            try moveJournal(in: data, from: "copy", to: "dialer-worker.1")
            // The second time it is not even asked about: what it appends meanwhile makes it no better.
            for _ in 0..<2 {
                let program = try CarillonSystem.up(
                    in: directory,
                    workers: 2,
                    environment: FaultySystem.settings(of: directory),
                    amqpURL: try await PrivateBroker.shared.value.url
                )
                #expect(try await program.waitForExit(within: .seconds(60)) == 78)
                let said = program.standardError
                #expect(said.contains("dialer-worker.1.db") && said.contains("restored copy"), "\(said)")
                #expect(program.standardOutput == "")
                expectNoStackTrace(said)
            }

            // As told, the file is moved away; the next one is new and as good as any other.
            try moveJournal(in: data, from: "dialer-worker.1", to: "refused")
            let third = try await FaultySystem.start(timeScale: 0.02, environment: [:], in: directory)
            try await third.api.importTargets((0..<20).map { [number(405, $0, 1)] }, into: setup.outdial)
            try await FaultySystem.setStatus(setup.id, "run", on: third)
            try await third.api.awaitExhaustion(setup.id, within: .seconds(30))
            try await third.stop()
            try moveJournal(in: data, from: "true", to: "dialer-worker.true")
            let problems = try await FaultySystem.problemsAfterStop(third)
            #expect(problems.isEmpty, "\(problems)")
            #expect(try third.facts().of(setup).ledger.count == 60)
        }

        @Test func aCancelThatRacesTheAnswerUsesUpNobodysTry() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("seed of the moments: \(seed)")
            var moments = SplitMix(seed: seed)
            try await FaultySystem.with(timeScale: 0.15, environment: [:]) { system in
                let setup = try await system.api.makeCampaign(
                    (0..<60).map { [number(406, $0, $0 % 2 == 0 ? 1 : 7)] },
                    tries: [1],
                    settings: ["max_concurrent": 10]
                )
                for _ in 0..<(isDeep ? 60 : 15) {
                    let before = try Facts.readLedger(system.ledger).count
                    try await FaultySystem.setStatus(setup.id, "run", on: system)
                    // All of them ring for 150 ms, and the stop comes about then.
                    try await eventually("somebody is called, or nobody is left", within: .seconds(20)) {
                        if try await system.api.campaign(setup.id)["status"].string == "stop" { return true }
                        return try Facts.readLedger(system.ledger).count > before
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<180, using: &moments)))
                    try await FaultySystem.setStatus(setup.id, "stop", on: system)
                    try await eventually("it stops", within: .seconds(20)) {
                        try await system.api.campaign(setup.id)["status"].string == "stop"
                    }
                }
                try await FaultySystem.setStatus(setup.id, "run", on: system)
                try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
                let facts = try system.facts().of(setup)
                let cancelled = facts.calls.values.filter { $0.outcome == .cancelled }
                #expect(!cancelled.isEmpty, "seed \(seed)")
                #expect(cancelled.allSatisfy { $0.answeredAt == nil && $0.hangupReason == "cancel" }, "seed \(seed)")
                #expect(facts.targets(result: "success") == 60, "seed \(seed)")
                #expect(facts.targets.values.allSatisfy { $0.tryCounts == [1, 0, 0, 0, 0] }, "seed \(seed)")
                let problems = try await FaultySystem.awaitQuiet(system)
                #expect(problems.isEmpty, "seed \(seed): \(problems)")
            }
        }

        // MARK: - What they share

        /// Twenty people who talk for a while; returns when worker 1 has five calls.
        private func startTalking(on system: CarillonSystem) async throws -> CampaignSetup {
            let setup = try await system.api.makeCampaign((0..<20).map { [number(401, $0, 1)] }, tries: [3])
            try await FaultySystem.setStatus(setup.id, "run", on: system)
            try await eventually("worker 1 has calls", within: .seconds(20)) {
                try Facts.readLedger(system.ledger).count { $0.worker == "1" } >= 5
            }
            return setup
        }
    }
}

/// Renames a log with the files that belong to it.
func moveJournal(in data: String, from: String, to: String) throws {
    for suffix in ["", "-wal", "-shm"] {
        let file = "\(data)/\(from).db\(suffix)"
        guard FileManager.default.fileExists(atPath: file) else { continue }
        try FileManager.default.moveItem(atPath: file, toPath: "\(data)/\(to).db\(suffix)")
    }
}
