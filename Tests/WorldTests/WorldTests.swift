import CampaignDomain
import CampaignManager
import Contracts
import DialerWorker
import EventLog
import Foundation
import GRDB
import OutdialDomain
import OutdialManager
import Service
import TestSupport
import Testing

/// Everything together, many times: each seed is another world with other faults.
///
/// `CARILLON_WORLD_SEED=17 SWIFT_DETERMINISTIC_HASHING=1` repeats one, `CARILLON_WORLD_SEEDS=1000` runs as many.
@Suite struct WorldTests {
    static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["CARILLON_WORLD_SEED"].flatMap({ UInt64($0) }) { return [one] }
        let count = environment["CARILLON_WORLD_SEEDS"].flatMap { UInt64($0) } ?? (isDeep ? 400 : 24)
        return Array(1...max(1, count))
    }()

    @Test(arguments: seeds)
    func `whatever is lost, repeated, late or killed, what is promised holds`(_ seed: UInt64) throws {
        let world = try World(seed: seed)
        try world.furnish()
        for _ in 0..<world.profile.steps { try world.step() }
        try world.calmDown()
        let isOver = try world.runToTheEnd()
        let problems = try world.problems(isOver: isOver)
        if !problems.isEmpty, let path = ProcessInfo.processInfo.environment["CARILLON_WORLD_TRACE"] {
            try world.trace.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
        Figures.shared.withLock { $0.add(world) }
        #expect(problems == [], "repeat with CARILLON_WORLD_SEED=\(seed) SWIFT_DETERMINISTIC_HASHING=1")
    }
}

/// What all worlds together have seen: a test that dials nobody proves nothing.
struct Figures {
    static let shared = Locked(Figures())
    private(set) var worlds = 0
    private(set) var calls = 0
    private(set) var kills = 0
    private(set) var followed = 0
    private(set) var skipped = 0
    private(set) var unknown = 0
    private(set) var judged = 0
    private(set) var talks = 0
    private(set) var abandoned = 0
    private(set) var timedOut = 0
    private(set) var engineCalls = 0
    private(set) var legs = 0
    private(set) var optOuts = 0

    mutating func add(_ world: World) {
        worlds += 1
        calls += world.carrier.placed.count
        kills += world.kills
        followed += world.watch.followed
        skipped += world.watch.skipped
        unknown += world.watch.unknown
        judged += world.outdialWatch.judged
        talks += world.queueWatch.talks.count
        abandoned += world.queueWatch.abandoned
        timedOut += world.queueWatch.timedOut
        engineCalls += world.watch.engineCalls
        legs += world.carrier.legCount
        optOuts += world.carrier.optedOut.count
        guard worlds == WorldTests.seeds.count else { return }
        print(
            "\(worlds) worlds: \(calls) calls, \(kills) kills, \(unknown) outcomes unknown, \(judged) leases within windows, \(talks) talks, "
                + "\(abandoned) callers abandoned, \(timedOut) of them after wait_timeout, \(followed) campaigns "
                + "followed another, \(skipped) did not, \(engineCalls) attempts of another engine, \(legs) calls of flows, "
                + "\(optOuts) people opted out"
        )
    }
}

extension World {
    /// From here on nothing is lost or killed, everybody is there, and every campaign may run to its end.
    func calmDown() throws {
        isCruel = false
        note("calm")
        for index in mailboxes.indices { mailboxes[index].mailbox.heldUntil = now }
        try atCampaigns("system.dialing", ["body": ["enabled": true]])
        for campaign in client.campaigns { try setPaused(campaign, false) }
        for index in client.agents.indices {
            try setTags(ofAgent: index, .array(client.tags.map { .id($0) }))
            try setStatus(ofAgent: index, "available")
        }
        for outplan in client.outplans {
            try atCampaigns("outplan.dial_info", ["id": .id(outplan), "body": ["calling_windows": []]])
        }
    }

    /// Starts what is stopped until every list is worked off; false when that does not come about.
    func runToTheEnd() throws -> Bool {
        let deadline = now + 14_400_000
        var nextLook = now
        var steps = 0
        while now < deadline, steps < 60_000 {
            try step()
            steps += 1
            guard now >= nextLook else { continue }
            nextLook = now + 5_000
            let running = try campaigns.reader.read {
                try CampaignTables.campaigns.fetch("WHERE status <> 'stop' OR next_due = 1", [], in: $0).count
            }
            guard running == 0 else { continue }
            if let open = try unfinishedOutdial(), let campaign = try campaign(on: open) {
                try start(campaign)
            } else if isQuiet {
                return true
            }
        }
        note("not over after \(steps) steps")
        return false
    }

    private var isQuiet: Bool {
        mailboxes.allSatisfy { $0.mailbox.letters.isEmpty } && carrier.live.isEmpty && carrier.legs.isEmpty
            && workers.allSatisfy { $0.isAccepted && !$0.hasUnpublished }
    }

    private func unfinishedOutdial() throws -> ID? {
        try outdials.reader.read { db in
            try client.outdials.first { outdial in
                let counts = try TargetCounts(of: outdial, in: db)
                guard counts.idle + counts.progressing > 0 else { return false }
                return try campaign(on: outdial) != nil
            }
        }
    }

    private func campaign(on outdial: ID) throws -> ID? {
        try campaigns.reader.read { db in
            try CampaignTables.campaigns.fetch("ORDER BY created_at", [], in: db)
                .first { $0.state.settings.outdial == outdial }?.id
        }
    }

    // MARK: - What is promised

    func problems(isOver: Bool) throws -> [String] {
        var problems = carrier.problems
        while campaigns.hasUnpublished { for event in try campaigns.unpublished(1000) { try watchCampaigns(event) } }
        problems += watch.problems + queueWatch.problems
        while outdials.hasUnpublished { for event in try outdials.unpublished(1000) { try outdialWatch.see(event) } }
        problems += outdialWatch.problems + outdialWatch.late(carrier.placed)
        guard isOver else { return problems + ["it does not come to an end: \(try standing())"] }
        problems += watch.leftovers
        problems += try ends()
        problems += try queueEnds()
        problems += try flowEnds()
        problems += try engineEnds()
        problems += try tries()
        for (path, projections) in [
            (campaigns.path, campaignManagerProjections), (outdials.path, outdialManagerProjections),
        ] + workers.map({ ($0.path, Journal.projections) }) {
            problems += try LogVerifier.verify(path: path, projections: projections).violations.map { "\(path): \($0)" }
        }
        return problems
    }

    private func standing() throws -> String {
        let states = try campaigns.reader.read { try CampaignTables.campaigns.fetch("", [], in: $0).map(\.state) }
        let targets = try outdials.reader.read { try OutdialTables.targets.fetch("", [], in: $0).map(\.state) }
        return states.map { "\($0.settings.name) is in \($0.status.rawValue)" }.joined(separator: ", ")
            + "; targets: " + targets.map(\.status.rawValue).joined(separator: " ")
            + "; letters: \(mailboxes.map { $0.mailbox.letters.count })"
    }

    /// Nobody waits for a call, or is on one; each list has its claims and leases back.
    private func ends() throws -> [String] {
        try outdials.reader.read { db in
            var problems: [String] = []
            for loaded in try OutdialTables.outdials.fetch("", [], in: db) where loaded.state.claim != nil {
                problems.append("outdial \(loaded.id) is still claimed")
            }
            for target in try OutdialTables.targets.fetch("", [], in: db) {
                let isUsed = try campaign(on: target.state.outdial) != nil
                if target.state.lease != nil { problems.append("target \(target.id) is still leased") }
                if isUsed, target.state.deletedAt == nil, target.state.status != .done {
                    problems.append("target \(target.id) is \(target.state.status.rawValue)")
                }
            }
            for outdial in client.outdials {
                let counts = try TargetCounts(of: outdial, in: db)
                let known = Int64(client.targets[outdial]?.count ?? 0)
                if counts.targets != known {
                    problems.append("\(counts.targets) targets are counted, \(known) were made")
                }
            }
            return problems
        }
    }

    /// The tries used are the calls placed; what was never placed rang nobody.
    private func tries() throws -> [String] {
        let used = try outdials.reader.read { db in
            try OutdialTables.targets.fetch("", [], in: db).reduce(0) { $0 + $1.state.allTries }
        }
        let placed = watch.outcomes.values.count { $0 == .placed }
        var problems = used == placed ? [] : ["\(used) tries were used, and \(placed) calls were placed"]
        for (attempt, outcome) in watch.outcomes where outcome == .notPlaced && carrier.placed[attempt] != nil {
            problems.append("attempt \(attempt) counts as not placed, and rang")
        }
        for attempt in carrier.placed.keys where watch.outcomes[attempt] == nil {
            problems.append("attempt \(attempt) rang, and has no result")
        }
        return problems
    }
}
