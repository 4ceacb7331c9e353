import CampaignManager
import Contracts
import EventLog
import Foundation
import GRDB
import Glibc
import TestSupport
import Testing

/// One crash: the process that passes `point` for the `count`th time dies there, once, while campaigns run.
struct CrashCase: Sendable, CustomStringConvertible {
    var point: String
    var count: Int
    var story: ProtocolStep.Story

    var description: String { "\(point):\(count)" }

    /// Runs `count` campaigns one after another on two workers, and answers with everything that is wrong afterwards.
    func run() async -> [String] {
        do {
            let begin = ContinuousClock.now
            let problems = try await problems()
            print("\(self): \(Int((ContinuousClock.now - begin).inSeconds.rounded())) s")
            return problems.map { "\(self): \($0)" }
        } catch {
            return ["\(self): \(error)"]
        }
    }

    private func problems() async throws -> [String] {
        let directory = try TemporaryDirectory()
        let mark = directory.file("crashed")
        let system = try await FaultySystem.start(
            timeScale: story == .settlement ? 0.3 : story == .stop ? 0.05 : 0.02,
            environment: [
                "CARILLON_CRASH_AT": description, "CARILLON_CRASH_ONCE": mark,
                // Overdue a second and the margin after an answer.
                "CARILLON_MAX_TALK_TIME": story == .settlement ? "1000" : "10000",
            ],
            in: directory
        )
        var setups: [CampaignSetup] = []
        var problems: [String] = []
        do {
            for round in 0..<count { setups.append(try await runCampaign(on: system, round)) }
            problems += try await FaultySystem.awaitQuiet(system)
        } catch {
            problems.append("\(error)\n\(system.standardError)")
        }
        if !FileManager.default.fileExists(atPath: mark) { problems.append("no process passed here") }
        try await system.stop()
        problems += try await FaultySystem.problemsAfterStop(system)
        if !problems.isEmpty { problems.append(system.logTails) }
        return problems
    }

    private func runCampaign(on system: CarillonSystem, _ round: Int) async throws -> CampaignSetup {
        // Answered, busy first, busy, failed, answered with a digit, ringing in vain.
        let magic = story == .exhaustion ? [1, 9, 2, 4, 7, 3] : [3, 1, 3, 9]
        let rows = (0..<(story == .exhaustion ? 24 : 16)).map { [number(300 + round, $0, magic[$0 % magic.count])] }
        let setup = try await system.api.makeCampaign(
            rows,
            tries: [2],
            dialTimeout: story == .settlement ? 1000 : 30_000,
            settings: ["max_concurrent": 8]
        )
        try await FaultySystem.setStatus(setup.id, "run", on: system)
        switch story {
        case .exhaustion: break
        case .stop:
            try await eventually("some are ringing", within: .seconds(20)) {
                try await system.api.campaign(setup.id)["progress"]["dialing"].integer ?? 0 >= 4
            }
            try await FaultySystem.setStatus(setup.id, "stop", on: system)
            try await eventually("it stops", within: .seconds(30)) {
                try await system.api.campaign(setup.id)["status"].string == "stop"
            }
            try await FaultySystem.setStatus(setup.id, "run", on: system)
        case .settlement: try await suspendUntilSettling(system, setup, round)
        }
        try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
        return setup
    }

    /// Suspends a worker with live calls until campaign-manager asks what became of them.
    private func suspendUntilSettling(_ system: CarillonSystem, _ setup: CampaignSetup, _ round: Int) async throws {
        try await eventually("worker 1 has calls", within: .seconds(20)) {
            try Facts.readLedger(system.ledger).contains { $0.campaign == setup.id && $0.worker == "1" }
        }
        let worker = try system.pid(of: "dialer-worker.1")
        kill(worker, SIGSTOP)
        defer { kill(worker, SIGCONT) }
        let log = try LogReader(path: "\(system.dataDirectory)/campaign-manager.db")
        let calls = Set(try system.facts().of(setup).calls.keys.map { "campaigncall-\($0)" })
        try await eventually("its attempts are settled", within: .seconds(40)) {
            try log.events("WHERE type = ?", ["campaigncall_settling"]).contains { calls.contains($0.stream) }
        }
    }
}

/// Systems that share a broker, so that starting one takes two seconds and not eight; each has names of its own on it.
enum FaultySystem {
    /// Two workers of five channels, short waits. `environment` says what goes wrong.
    static func start(
        timeScale: Double,
        environment: [String: String],
        in directory: TemporaryDirectory
    ) async throws -> CarillonSystem {
        try await CarillonSystem.start(
            timeScale: timeScale,
            workers: 2,
            environment: settings(of: directory).merging(environment) { $1 },
            amqpURL: try await PrivateBroker.shared.value.url,
            in: directory
        )
    }

    static func settings(of directory: TemporaryDirectory) -> [String: String] {
        [
            "CARILLON_AMQP_PREFIX": prefix(of: directory), "CARILLON_SETTLE_TIMEOUT": "3000",
            "CARILLON_WORKER_CHANNELS": "5", "CARILLON_MAX_TALK_TIME": "10000", "CARILLON_WORKER_DRAIN": "500",
        ]
    }

    private static func prefix(of directory: TemporaryDirectory) -> String {
        "t" + directory.path.suffix(12)
    }

    /// Asks until it is answered: the daemon that has to answer may just have died.
    static func setStatus(_ campaign: ID, _ status: String, on system: CarillonSystem) async throws {
        try await eventually("campaign \(campaign) is told to \(status)", within: .seconds(30)) {
            _ = try await system.api.setStatus(campaign, status)
            return true
        }
    }

    /// Waits until every message that the logs imply was applied, and answers with what is missing.
    static func awaitQuiet(_ system: CarillonSystem) async throws -> [String] {
        let messages = Messages(dataDirectory: system.dataDirectory, prefix: prefix(of: system.directory))
        do {
            try await eventually("all messages are applied", within: .seconds(15)) { try messages.problems().isEmpty }
            return []
        } catch {
            return try ["\(error)"] + messages.problems()
        }
    }

    /// Runs `body` on such a system, stops it whatever happens, and checks everything that must always hold.
    ///
    /// `bringBack` names a journal that `body` has moved away: what it knew is needed to check the ledger.
    static func with(
        timeScale: Double,
        environment: [String: String],
        bringBack journal: String? = nil,
        _ body: (CarillonSystem) async throws -> Void
    ) async throws {
        let system = try await start(timeScale: timeScale, environment: environment, in: TemporaryDirectory())
        var problems: [String] = []
        do {
            try await body(system)
        } catch {
            problems.append("\(error)\n\(system.standardError)\n\(system.logTails)")
        }
        try await system.stop()
        if let journal { try moveJournal(in: system.dataDirectory, from: journal, to: "dialer-worker.\(journal)") }
        problems += try await problemsAfterStop(system)
        #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
    }

    /// What does not hold once the system has stopped: facts, logs, and what the tool says of them.
    static func problemsAfterStop(_ system: CarillonSystem) async throws -> [String] {
        let facts = try system.facts()
        try await system.expectToolAgrees()
        return facts.problems(writes: system.api.writes.all)
    }

    /// Removes what all of them have left on the broker.
    static func tidyBroker() async throws {
        let broker = try await PrivateBroker.shared.value
        try broker.rabbitmqctl([
            "eval",
            "[rabbit_amqqueue:delete(Q, false, false, <<\"test\">>) || Q <- rabbit_amqqueue:list()], ok.",
        ])
    }
}
