import Contracts
import EventLog
import GRDB

/// What the logs say about attempts: the small part of them that the invariants across logs need.
///
/// Logs that are live are read in an order in which a cause is never seen later than its effect: ledger, journals, ends
/// of leases, campaigncalls, leases.
struct LogFacts: Sendable {
    struct Call: Hashable, Sendable {
        var position: Int64
        /// The outcomes of its terminal results, in order: there should be one at most.
        var outcomes: [String] = []
        /// Without a target, and so without a lease and a try.
        var isTest = false
    }
    struct Lease: Hashable, Sendable {
        var position: Int64
        /// The outcome that moved the target; nil while the lease is open.
        var outcome: String?
        var target = ID.none
    }
    /// A target whose tries are not the calls that were placed for it.
    struct Miscount: Hashable, Sendable {
        var target: ID
        var tries: Int64
        var placed: Int64
        /// That of its last lease.
        var position: Int64
    }

    var ledger: [ID]?
    /// The calls that flows placed, by the ledger.
    var legs: [LedgerFile.Leg] = []
    var claimed: Set<ID> = []
    /// Attempts that journals claimed, or told of being dialed, more than once.
    var repeated: Set<ID> = []
    var calls: [ID: Call] = [:]
    /// Leases that campaign-manager gave back without a call.
    var returned: Set<ID> = []
    var leases: [ID: Lease] = [:]
    /// Leases that had ended before the campaigncalls were read.
    var endedLeases: Set<ID> = []
    /// The sum over all targets of the tries that they have used.
    var tryCounts: Int64 = 0
    /// Where the sum comes from when it is wrong, the first of them.
    var miscounts: [Miscount] = []
    var hasCampaignManager = false
    var hasOutdialManager = false
    var hasJournals = false

    init() {}

    init(_ directory: LogDirectory, ledger: LedgerFile?) throws {
        self.ledger = ledger?.attempts
        legs = ledger?.legs ?? []
        for journal in directory.journals {
            hasJournals = true
            try readJournal(journal.reader)
        }
        if let log = directory.outdialManager { try readEnds(log) }
        if let log = directory.campaignManager { try readCalls(log) }
        if let log = directory.outdialManager { try readLeases(log) }
        if directory.isSlice { keepWhatIsWhole() }
        if let log = directory.outdialManager, Invariants.hasWrongTries(self) { try readMiscounts(log) }
    }

    private mutating func readJournal(_ log: LogReader) throws {
        var dialed: Set<ID> = []
        try LogFacts.forEach(["attempt_claimed", "call_dialing"], log) { event, data in
            guard let id = event.aggregate else { return }
            let isNew = event.type == "call_dialing" ? dialed.insert(id).inserted : claimed.insert(id).inserted
            if !isNew { repeated.insert(id) }
        }
    }

    /// Which targets make the sum of tries wrong.
    private mutating func readMiscounts(_ log: LogReader) throws {
        var placed: [ID: Int64] = [:]
        var positions: [ID: Int64] = [:]
        for (attempt, lease) in leases {
            positions[lease.target] = max(positions[lease.target] ?? 0, lease.position)
            if calls[attempt]?.outcomes.first == "placed" { placed[lease.target, default: 0] += 1 }
        }
        let tries = try log.read { db in
            try Row.fetchAll(db, sql: "SELECT id, \(LogFacts.triesSQL) FROM target WHERE \(LogFacts.triesSQL) > 0")
        }.reduce(into: [ID: Int64]()) { $0[$1[0]] = $1[1] }
        for target in Set(placed.keys).union(tries.keys).sorted() where miscounts.count < LogFacts.mostMiscounts {
            guard tries[target] ?? 0 != placed[target] ?? 0 else { continue }
            miscounts.append(
                Miscount(
                    target: target,
                    tries: tries[target] ?? 0,
                    placed: placed[target] ?? 0,
                    position: positions[target] ?? 0
                )
            )
        }
    }

    private static let mostMiscounts = 100
    /// The tries that a target's row says it has used.
    private static let triesSQL =
        (0..<5).map { "json_extract(state, '$.try_counts[\($0)]')" }.joined(separator: " + ")
        + " + coalesce(json_extract(state, '$.earlier_tries'), 0)"

    /// A slice has the leases and the calls of the targets that it was made for; of others it has no more than led to them.
    private mutating func keepWhatIsWhole() {
        calls = calls.filter { $0.value.isTest || leases[$0.key] != nil }
        ledger = ledger?.filter { calls[$0] != nil }
        legs = legs.filter { calls[$0.owner] != nil }
    }

    private mutating func readEnds(_ log: LogReader) throws {
        try LogFacts.forEach(["target_attempt_finished"], log) { _, data in
            if let id = data["attempt_id"].id { endedLeases.insert(id) }
        }
    }

    private mutating func readCalls(_ log: LogReader) throws {
        hasCampaignManager = true
        try LogFacts.forEach(["campaigncall_created"], log) { event, data in
            guard let id = ID(event.stream.suffix(36)) else { return }
            calls[id] = Call(position: event.position, isTest: data["test"].bool ?? false)
        }
        try LogFacts.forEach(["campaigncall_finished"], log) { event, data in
            guard let id = ID(event.stream.suffix(36)) else { return }
            calls[id]?.outcomes.append(data["finished"]["outcome"].string ?? "")
        }
        try LogFacts.forEach(["campaign_lease_returned"], log) { _, data in
            if let id = data["attempt_id"].id { returned.insert(id) }
        }
    }

    private mutating func readLeases(_ log: LogReader) throws {
        hasOutdialManager = true
        try LogFacts.forEach(["target_leased"], log) { event, data in
            guard let id = data["lease"]["attempt_id"].id else { return }
            leases[id] = Lease(position: event.position, target: event.aggregate ?? .none)
        }
        try LogFacts.forEach(["target_attempt_finished"], log) { _, data in
            if let id = data["attempt_id"].id { leases[id]?.outcome = data["outcome"].string }
        }
        tryCounts = try log.read { try Int64.fetchOne($0, sql: "SELECT total(\(LogFacts.triesSQL)) FROM target") } ?? 0
    }

    private static func forEach(
        _ types: [String],
        _ log: LogReader,
        _ body: (RecordedEvent, JSONValue) throws -> Void
    ) throws {
        var position: Int64 = 0
        let partial = try log.slice()?.partial ?? []
        while true {
            let page = try log.events(
                "WHERE position > ? AND type IN (?, ?) ORDER BY position LIMIT 2000",
                [position, types.first, types.last]
            )
            for event in page where !partial.contains(event.stream) {
                try body(event, event.data.flatMap { try? JSONValue(parsing: $0) } ?? .null)
            }
            guard let last = page.last else { return }
            position = last.position
        }
    }
}
