import CampaignDomain
import CampaignManager
import Contracts
import DialerWorker
import EventLog
import Foundation
import OutdialDomain
import OutdialManager
import Testing

/// One placed call as the simulator noted it before placing it.
struct LedgerEntry: Hashable, Sendable {
    var time: Timestamp
    var attempt: ID
    var call: ID
    var campaign: ID
    var target: ID
    var number: String
    var destinationIndex: Int
    var tryCount: Int
    var worker: String
    /// The attempt whose flow placed it; nil for the call of an attempt itself.
    var owner: ID?

    init(json: JSONValue) throws {
        time = try #require(json["time"].string.flatMap { Timestamp(parsing: $0) })
        attempt = try json.requireID("attempt_id")
        call = try json.requireID("call_id")
        campaign = try json.requireID("campaign_id")
        target = try json.requireID("target_id")
        number = try json.requireString("number")
        destinationIndex = try json.requireInt("destination_index")
        tryCount = try json.requireInt("try_count")
        worker = try json.requireString("worker_id")
        owner = json["leg_of"].id
    }
}

/// What truly happened: the simulator's ledger, and campaigncalls and targets as the events of the logs make them.
///
/// Nothing here comes from a projection or from an answer of the API, so that these can be compared with it.
struct Facts {
    var ledger: [LedgerEntry]
    /// The calls that flows placed.
    var legs: [LedgerEntry] = []
    var calls: [ID: Campaigncall] = [:]
    /// How many terminal results each campaigncall has.
    var results: [ID: Int] = [:]
    var targets: [ID: Target] = [:]
    /// The resources that the managers' logs know.
    var streams: Set<ID> = []
    /// What was wrong at some moment, although the end does not show it.
    private var moments = Moments()

    init(dataDirectory: String, ledger path: String) throws {
        // The ledger first: what it holds is in the logs already.
        let lines = try Facts.readLedger(path)
        ledger = lines.filter { $0.owner == nil }
        legs = lines.filter { $0.owner != nil }
        try LogReader(path: "\(dataDirectory)/campaign-manager.db").forEachEvent { event in
            if let id = ID(event.stream.suffix(36)) { streams.insert(id) }
            try moments.take(event)
            guard let id = Facts.id(event, Campaigncall.category), let data = event.data else { return true }
            let decoded = try CampaigncallEvent(
                type: event.type,
                schema: event.schema,
                json: try JSONValue(parsing: data)
            )
            if case .finished = decoded { results[id, default: 0] += 1 }
            let before = calls[id]
            var call = before
            Campaigncall.evolve(&call, decoded, at: event.recordedAt)
            calls[id] = call
            moments.take(before, call)
            return true
        }
        leaveOutTestCalls()
        try LogReader(path: "\(dataDirectory)/outdial-manager.db").forEachEvent { event in
            if let id = ID(event.stream.suffix(36)) { streams.insert(id) }
            guard let id = Facts.id(event, Target.category), let data = event.data else { return true }
            let decoded = try TargetEvent(type: event.type, schema: event.schema, json: try JSONValue(parsing: data))
            var target = targets[id]
            Target.evolve(&target, decoded, at: event.recordedAt)
            targets[id] = target
            return true
        }
    }

    /// A test call has no target and uses no try.
    private mutating func leaveOutTestCalls() {
        let tests = Set(calls.filter { $0.value.assignment.isTest }.keys)
        ledger.removeAll { tests.contains($0.attempt) }
        for id in tests {
            calls[id] = nil
            results[id] = nil
        }
    }

    private static func id(_ event: RecordedEvent, _ category: String) -> ID? {
        event.stream.hasPrefix("\(category)-") ? ID(event.stream.dropFirst(category.count + 1)) : nil
    }

    static func readLedger(_ path: String) throws -> [LedgerEntry] {
        // A line without its end is being written.
        guard let data = FileManager.default.contents(atPath: path), let end = data.lastIndex(of: 10) else { return [] }
        return try data[..<end].split(separator: 10).map { try LedgerEntry(json: try JSONValue(parsing: Array($0))) }
    }

    /// The part of it that belongs to some campaigns and their outdials.
    func of(_ campaigns: CampaignSetup...) -> Facts {
        var part = self
        let ids = Set(campaigns.map(\.id))
        let outdials = Set(campaigns.map(\.outdial))
        part.ledger = ledger.filter { ids.contains($0.campaign) }
        part.legs = legs.filter { ids.contains($0.campaign) }
        part.calls = calls.filter { ids.contains($0.value.assignment.campaign) }
        part.results = results.filter { part.calls[$0.key] != nil }
        part.targets = targets.filter { outdials.contains($0.value.outdial) }
        return part
    }

    // MARK: - Counts

    /// How many campaigncalls ended with each hangup reason.
    var callsByReason: [String: Int] {
        calls.values.filter { !$0.isOpen }.reduce(into: [:]) { $0[$1.hangupReason, default: 0] += 1 }
    }

    func targets(_ status: Target.Status) -> Int { targets.values.count { $0.status == status } }
    func targets(result: String) -> Int { targets.values.count { $0.status == .done && $0.result == result } }

    /// The calls to each target in the order in which they were placed.
    var ledgerByTarget: [ID: [LedgerEntry]] {
        Dictionary(grouping: ledger, by: \.target).mapValues { $0.sorted { $0.time < $1.time } }
    }

    // MARK: - What must always hold

    /// Checks everything that must hold once no campaign runs any more.
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) {
        let problems = problems()
        #expect(
            problems.isEmpty,
            "\(problems.count) problems: \(problems.prefix(10).joined(separator: "; "))",
            sourceLocation: sourceLocation
        )
    }

    /// What does not hold. `writes` are the resources whose making was answered with success.
    func problems(writes: [ID: String] = [:]) -> [String] {
        var problems = moments.problems
        for (id, path) in writes where !streams.contains(id) { problems.append("\(id) of POST \(path) is in no log") }
        var dialed: Set<ID> = []
        for entry in ledger {
            if !dialed.insert(entry.attempt).inserted { problems.append("attempt \(entry.attempt) was dialed twice") }
            problems += ledgerProblems(entry)
        }
        for (id, call) in calls {
            if results[id] != 1 { problems.append("campaigncall \(id) has \(results[id] ?? 0) results") }
            if call.isOpen { problems.append("campaigncall \(id) is open") }
            switch call.outcome {
            case .placed
            where call.hangupReason != "outcome_unknown" && call.assignment.kind == .call
                && call.assignment.engine.isEmpty && !dialed.contains(id):
                problems.append("campaigncall \(id) (\(call.hangupReason)) is not in the ledger")
            case .notPlaced where dialed.contains(id):
                problems.append("campaigncall \(id) is in the ledger and counts as not placed")
            default: break
            }
        }
        return problems + targetProblems
    }

    private func ledgerProblems(_ entry: LedgerEntry) -> [String] {
        guard let call = calls[entry.attempt] else { return ["attempt \(entry.attempt) of the ledger is in no log"] }
        let assigned = call.assignment
        let isSame =
            assigned.call == entry.call && assigned.target == entry.target && assigned.campaign == entry.campaign
            && assigned.destination.target == entry.number && assigned.destinationIndex == entry.destinationIndex
            && assigned.tryCount == entry.tryCount && assigned.worker == entry.worker
        return isSame ? [] : ["attempt \(entry.attempt) differs between ledger and log"]
    }

    private var targetProblems: [String] {
        var problems: [String] = []
        let placed = calls.values.filter { $0.outcome == .placed }
        let placedByTarget = Dictionary(grouping: placed, by: \.assignment.target).mapValues(\.count)
        for (id, target) in targets {
            if target.status == .progressing { problems.append("target \(id) is progressing") }
            let tries = target.allTries
            if tries != placedByTarget[id] ?? 0 {
                problems.append("target \(id) has \(tries) tries and \(placedByTarget[id] ?? 0) placed calls")
            }
        }
        let tries = targets.values.reduce(0) { $0 + $1.allTries }
        if tries != placed.count { problems.append("\(tries) tries and \(placed.count) placed calls") }
        return problems
    }
}

/// Checks chain, positions, versions and projections of all logs of a system that has stopped, and holds what they told
/// others to `schemas/`, unless that was done where it went over the wire.
func expectSoundLogs(
    _ system: CarillonSystem,
    isWireRead: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let directory = system.dataDirectory
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".db") }
    #expect(files.count >= 3, "\(files)", sourceLocation: sourceLocation)
    for file in files {
        let projections: [any VerifiedProjection] =
            switch file {
            case "campaign-manager.db": campaignManagerProjections
            case "outdial-manager.db": outdialManagerProjections
            default: Journal.projections
            }
        let report = try LogVerifier.verify(path: "\(directory)/\(file)", projections: projections)
        #expect(report.violations.isEmpty, "\(file): \(report.violations.prefix(5))", sourceLocation: sourceLocation)
        #expect(report.events > 0 && report.chainIsIntact == true, "\(file)", sourceLocation: sourceLocation)
    }
    if !isWireRead { try await LogMessages.expectDescribed(directory, files: files) }
}
