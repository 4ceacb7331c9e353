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
    }

    var ledger: [ID]?
    /// The calls that flows placed, by the ledger.
    var legs: [LedgerFile.Leg] = []
    var claimed: Set<ID> = []
    var calls: [ID: Call] = [:]
    /// Leases that campaign-manager gave back without a call.
    var returned: Set<ID> = []
    var leases: [ID: Lease] = [:]
    /// Leases that had ended before the campaigncalls were read.
    var endedLeases: Set<ID> = []
    /// The sum over all targets of the tries that they have used.
    var tryCounts: Int64 = 0
    var hasCampaignManager = false
    var hasOutdialManager = false
    var hasJournals = false

    init() {}

    init(_ directory: LogDirectory, ledger: LedgerFile?) throws {
        self.ledger = ledger?.attempts
        legs = ledger?.legs ?? []
        for journal in directory.journals {
            hasJournals = true
            try LogFacts.forEach("attempt_claimed", journal.reader) { event, data in
                if let id = data["command"]["attempt_id"].id { claimed.insert(id) }
            }
        }
        if let log = directory.outdialManager { try readEnds(log) }
        if let log = directory.campaignManager { try readCalls(log) }
        if let log = directory.outdialManager { try readLeases(log) }
    }

    private mutating func readEnds(_ log: LogReader) throws {
        try LogFacts.forEach("target_attempt_finished", log) { _, data in
            if let id = data["attempt_id"].id { endedLeases.insert(id) }
        }
    }

    private mutating func readCalls(_ log: LogReader) throws {
        hasCampaignManager = true
        try LogFacts.forEach("campaigncall_created", log) { event, data in
            guard let id = ID(event.stream.suffix(36)) else { return }
            calls[id] = Call(position: event.position, isTest: data["test"].bool ?? false)
        }
        try LogFacts.forEach("campaigncall_finished", log) { event, data in
            guard let id = ID(event.stream.suffix(36)) else { return }
            calls[id]?.outcomes.append(data["finished"]["outcome"].string ?? "")
        }
        try LogFacts.forEach("campaign_lease_returned", log) { _, data in
            if let id = data["attempt_id"].id { returned.insert(id) }
        }
    }

    private mutating func readLeases(_ log: LogReader) throws {
        hasOutdialManager = true
        try LogFacts.forEach("target_leased", log) { event, data in
            if let id = data["lease"]["attempt_id"].id { leases[id] = Lease(position: event.position) }
        }
        try LogFacts.forEach("target_attempt_finished", log) { _, data in
            if let id = data["attempt_id"].id { leases[id]?.outcome = data["outcome"].string }
        }
        let sum =
            (0..<5).map { "json_extract(state, '$.try_counts[\($0)]')" }.joined(separator: " + ")
            + " + coalesce(json_extract(state, '$.earlier_tries'), 0)"
        tryCounts = try log.read { try Int64.fetchOne($0, sql: "SELECT total(\(sum)) FROM target") } ?? 0
    }

    private static func forEach(
        _ type: String,
        _ log: LogReader,
        _ body: (RecordedEvent, JSONValue) throws -> Void
    ) throws {
        var position: Int64 = 0
        while true {
            let page = try log.events(
                "WHERE position > ? AND type = ? ORDER BY position LIMIT 2000",
                [position, type]
            )
            for event in page { try body(event, event.data.flatMap { try? JSONValue(parsing: $0) } ?? .null) }
            guard let last = page.last else { return }
            position = last.position
        }
    }
}
