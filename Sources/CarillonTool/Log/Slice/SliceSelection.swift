import CampaignDomain
import Contracts
import DialerWorker
import EventLog
import GRDB
import OutdialDomain

/// Which events of the logs a slice has.
///
/// Of the targets that it is for: their streams, attempts, calls, queuecalls and flows, the campaigns, lists, plans,
/// queues, workers and do-not-call entries that decide about them, all whole; and of anything else the single events
/// that their history and their causes lead to.
struct SliceSelection {
    let directory: LogDirectory
    /// Streams of which all events are taken.
    private(set) var streams: Set<String> = []
    /// Single events of other streams, by log and position.
    private(set) var extras: [String: [Int64: String]] = [:]
    private var pending: [String] = []
    /// Things whose history has to be told wholly.
    private var subjects: [(kind: String, id: ID)] = []
    private var seen: Set<Reference> = []
    private var causes: Causes

    private struct Reference: Hashable {
        var id: ID
        var isFromShared: Bool
    }

    /// What many targets have in common: it names no single call.
    private static let shared = [
        Campaign.category, Outdial.category, Outplan.category, Queue.category, Flow.category, Customer.category,
        CampaignDomain.Worker.category, DNCList.category, Agent.category, "program", "cancellation",
    ]
    private static let own = [Queuecall.category, Activeflow.category]

    init(_ scope: SliceScope, in directory: LogDirectory) throws {
        self.directory = directory
        causes = Causes(directory)
        try addAlways()
        switch scope {
        case .target(let id):
            guard try exists("\(Target.category)-\(id)") else { throw ToolError.failed("no log knows target \(id)") }
            addTarget(id)
        case .campaign(let id):
            guard try exists("\(Campaign.category)-\(id)") else {
                throw ToolError.failed("no log knows campaign \(id)")
            }
            try addCampaign(id)
        case .correlation(let id): try addCorrelation(id)
        }
        while let stream = pending.popLast() { try follow(stream) }
        for subject in subjects { try addHistory(of: subject.id, kind: subject.kind) }
    }

    /// The positions of all events in one log, in order.
    func positions(in log: LogDirectory.Log) throws -> [Int64] {
        var positions = Set(extras[log.name, default: [:]].keys)
        for stream in streams { positions.formUnion(try log.reader.positions(of: stream)) }
        return positions.sorted()
    }

    /// The streams of one log of which only single events are taken.
    func partial(in log: String) -> Set<String> {
        Set(extras[log, default: [:]].values).subtracting(streams)
    }

    /// How many streams of each kind stay behind, by kind.
    func leftOut(of log: LogDirectory.Log) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        try log.reader.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT CASE instr(stream, '-') WHEN 0 THEN stream ELSE substr(stream, 1, instr(stream, '-') - 1) END,
                        count(*)
                    FROM event WHERE version = 1 GROUP BY 1
                    """
            )
            while let row = try rows.next() { counts[row[0]] = row[1] }
        }
        for stream in streams where try !log.reader.positions(of: stream).isEmpty {
            counts[LogEntry.kind(ofStream: stream), default: 0] -= 1
        }
        return counts.filter { $0.value > 0 }
    }

    // MARK: - Where it begins

    /// What belongs to no single thing: the processes, the switches, the workers.
    private mutating func addAlways() throws {
        for log in directory.logs {
            let names = try log.reader.read { db in
                try String.fetchAll(
                    db,
                    sql: """
                        SELECT DISTINCT stream FROM event WHERE stream >= 'process-' AND stream < 'process.'
                        UNION SELECT DISTINCT stream FROM event WHERE stream = 'journal'
                        UNION SELECT DISTINCT stream FROM event WHERE stream >= 'worker-' AND stream < 'worker.'
                        """
                )
            }
            for name in names { add(name) }
        }
        add("\(System.category)-\(System.id)")
    }

    private mutating func addTarget(_ id: ID) {
        add("\(Target.category)-\(id)")
        subjects.append((Target.category, id))
    }

    private mutating func addCampaign(_ id: ID) throws {
        add("\(Campaign.category)-\(id)")
        subjects.append((Campaign.category, id))
        guard let log = directory.campaignManager else { return }
        let calls = try log.read { db in
            try ID.fetchAll(
                db,
                sql: """
                    SELECT id FROM campaigncall WHERE campaign_id = ?
                    UNION SELECT id FROM campaigncall WHERE campaign_id = ? AND instr(state, ?) > 0
                    """,
                arguments: [id, ID.none, id.description]
            )
        }
        for call in calls { addAttempt(call) }
        var lists: Set<ID> = []
        for event in try log.events(of: "\(Campaign.category)-\(id)") {
            for id in LogEntry(log: "", event: event).mentionedIDs where try exists("\(Outdial.category)-\(id)") {
                lists.insert(id)
            }
        }
        guard let outdials = directory.outdialManager else { return }
        for list in lists {
            let targets = try outdials.read { db in
                try ID.fetchAll(db, sql: "SELECT id FROM target WHERE outdial_id = ?", arguments: [list])
            }
            for target in targets { addTarget(target) }
        }
    }

    private mutating func addCorrelation(_ id: ID) throws {
        var isKnown = false
        for log in directory.logs {
            for event in try log.reader.events(correlation: id) {
                isKnown = true
                let entry = LogEntry(log: log.name, event: event)
                take(entry)
                guard let aggregate = event.aggregate else { continue }
                switch LogEntry.kind(ofStream: event.stream) {
                case Target.category: addTarget(aggregate)
                case Campaigncall.category, Attempt.category:
                    addAttempt(aggregate)
                    try addTarget(ofAttempt: aggregate)
                default: add(event.stream)
                }
            }
        }
        guard isKnown else { throw ToolError.failed("no log knows the correlation \(id)") }
    }

    private mutating func addTarget(ofAttempt id: ID) throws {
        let first = try directory.campaignManager?.events(of: "\(Campaigncall.category)-\(id)").first
        guard let first, case .created(let call)? = try LogEntry(log: "", event: first).content(CampaigncallEvent.self)
        else { return }
        if try exists("\(Target.category)-\(call.target)") { addTarget(call.target) }
    }

    // MARK: - What it leads to

    private mutating func add(_ stream: String) {
        if streams.insert(stream).inserted { pending.append(stream) }
    }

    private mutating func addAttempt(_ id: ID) {
        add("\(Campaigncall.category)-\(id)")
        add("\(Attempt.category)-\(id)")
    }

    private mutating func follow(_ stream: String) throws {
        let kind = LogEntry.kind(ofStream: stream)
        let isShared = SliceSelection.shared.contains(kind)
        var entries: [LogEntry] = []
        for log in directory.logs {
            entries += try log.reader.events(of: stream).map { LogEntry(log: log.name, event: $0) }
        }
        if entries.isEmpty { streams.remove(stream) }
        for entry in entries {
            for cause in try Causes.chain(of: entry, in: directory) { take(cause) }
            for id in entry.mentionedIDs { try refer(to: id, isFromShared: isShared) }
        }
        switch kind {
        case Target.category: try followTarget(entries)
        case Campaigncall.category:
            if let id = entries.first?.event.aggregate { subjects.append((kind, id)) }
        case Outdial.category:
            if let id = entries.first?.event.aggregate { try addCampaigns(on: id) }
        case Queue.category:
            if let customer = entries.first?.data["customer_id"].id { try addAgents(of: customer) }
        default: break
        }
    }

    private mutating func followTarget(_ entries: [LogEntry]) throws {
        var target: Target?
        var numbers: Set<String> = []
        for entry in entries where entry.event.data != nil {
            try entry.fold(into: &target)
            numbers.formUnion((target?.destinations ?? []).compactMap { $0 }.map { DialedNumber.key(of: $0) })
            switch try entry.content(TargetEvent.self) {
            case .leased(let lease, _): addAttempt(lease.attempt)
            // Its number was in use by another attempt, whose campaign is named.
            case .deferred(let deferral) where !deferral.by.isNone: addAttempt(deferral.by)
            default: break
            }
        }
        guard let target, let log = directory.outdialManager else { return }
        let lists = try log.read { db in
            try ID.fetchAll(
                db,
                sql: "SELECT id FROM dnclist WHERE customer_id IN (?, ?)",
                arguments: [target.customer, ID.none]
            )
        }
        for list in lists {
            add("\(DNCList.category)-\(list)")
            for number in numbers { add("\(DNCNumber.category)-\(DNCNumber.id(of: number, on: list))") }
        }
        for number in numbers {
            let holders = try log.read { db in
                try ID.fetchAll(
                    db,
                    sql: "SELECT id FROM target INDEXED BY target_held WHERE customer_id = ? AND held_number = ?",
                    arguments: [target.customer, number]
                )
            }
            for holder in holders where !streams.contains("\(Target.category)-\(holder)") { addTarget(holder) }
        }
    }

    /// Which campaigns are set up for a list, their rows tell.
    private mutating func addCampaigns(on outdial: ID) throws {
        guard let log = directory.campaignManager else { return }
        let campaigns = try log.read { db in
            try ID.fetchAll(
                db,
                sql: "SELECT id FROM campaign WHERE instr(state, ?) > 0",
                arguments: [outdial.description]
            )
        }
        for campaign in campaigns { add("\(Campaign.category)-\(campaign)") }
    }

    private mutating func addAgents(of customer: ID) throws {
        guard let log = directory.campaignManager else { return }
        let agents = try log.read { db in
            try ID.fetchAll(db, sql: "SELECT id FROM agent WHERE customer_id = ?", arguments: [customer])
        }
        for agent in agents { add("\(Agent.category)-\(agent)") }
    }

    private mutating func refer(to id: ID, isFromShared: Bool) throws {
        guard !id.isNone, seen.insert(Reference(id: id, isFromShared: isFromShared)).inserted else { return }
        let kinds =
            isFromShared
            ? SliceSelection.shared.filter { $0 != Agent.category } : SliceSelection.shared + SliceSelection.own
        for kind in kinds where !streams.contains("\(kind)-\(id)") {
            if try exists("\(kind)-\(id)") { add("\(kind)-\(id)") }
        }
    }

    // MARK: - Single events

    private mutating func addHistory(of id: ID, kind: String) throws {
        for entry in try LogHistory.entries(of: id, kind: kind, in: directory) {
            take(entry)
            if let first = try causes.first(of: entry.event.correlation) { take(first) }
        }
    }

    private mutating func take(_ entry: LogEntry) {
        guard !streams.contains(entry.event.stream) else { return }
        extras[entry.log, default: [:]][entry.event.position] = entry.event.stream
    }

    private func exists(_ stream: String) throws -> Bool {
        try directory.logs.contains { log in
            try log.reader.read { db in
                try Int.fetchOne(
                    try db.cachedStatement(sql: "SELECT 1 FROM event WHERE stream = ? LIMIT 1"),
                    arguments: [stream]
                ) != nil
            }
        }
    }
}

extension LogEntry {
    /// `target` of `target-ID`; the whole name of a stream without an id.
    static func kind(ofStream stream: String) -> String {
        String(stream.prefix { $0 != "-" })
    }

    /// Every id in the data, whatever member holds it.
    var mentionedIDs: Set<ID> {
        var found: Set<ID> = []
        LogEntry.collectIDs(data, into: &found)
        return found
    }

    private static func collectIDs(_ json: JSONValue, into found: inout Set<ID>) {
        switch json {
        case .uuid(let id): found.insert(id)
        case .array(let values): for value in values { collectIDs(value, into: &found) }
        case .object(let object):
            for member in object.members {
                if let id = ID(member.name) { found.insert(id) }
                collectIDs(member.value, into: &found)
            }
        default: break
        }
    }
}
