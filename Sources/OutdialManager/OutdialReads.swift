package import Contracts
package import EventLog
import GRDB
import OutdialDomain
import Service

/// The requests that change nothing, answered from a read-only connection beside the writer.
package struct OutdialReads: Sendable {
    let log: LogReader
    let clock: @Sendable () -> Timestamp
    let zones: ZoneFiles

    package init(log: LogReader, clock: @escaping @Sendable () -> Timestamp, zones: ZoneFiles = ZoneFiles()) {
        self.log = log
        self.clock = clock
        self.zones = zones
    }

    package static let methods: Set<String> = [
        "outdial.get", "outdial.list", "outdial.progress", "outdial.claims", "outdial.open_leases", "target.get",
        "target.list", "target.results", "outdial.rehearse", "dnclist.get", "dnclist.list", "dnclist.numbers",
        "dnclist.check", "dnc.check",
    ]

    package func answer(_ request: Request) throws -> Reply {
        try Reply { try log.read { db in try perform(request, db) } }
    }

    private func perform(_ request: Request, _ db: Database) throws -> JSONValue {
        let params = request.params
        let page = PageRequest(params: params)
        switch request.method {
        case "outdial.get":
            return try outdial(try params.requireID("id"), request, page.includesDeleted, db).resource
        case "outdial.list": return try outdials(request, page, db)
        case "outdial.rehearse": return try rehearse(request, db)
        case "outdial.progress": return try progress(request, db)
        case "outdial.claims": return try claims(db)
        case "outdial.open_leases": return try openLeases(try params.requireID("outdial_id"), db)
        case "target.get": return try target(request, page.includesDeleted, db)
        case "target.list": return try targets(request, page, db)
        case "target.results": return try results(request, db)
        case "dnclist.get": return try list(request, page.includesDeleted, db).resource
        case "dnclist.list": return try lists(request, page, db)
        case "dnclist.numbers": return try numbers(request, page, db)
        case "dnclist.check": return try checkNumber(request, db)
        case "dnc.check": return try checkBeforeDialing(request, db)
        default: throw Refusal(.unknown, "METHOD_UNKNOWN", "outdial-manager does not know \(request.method)")
        }
    }

    func outdial(_ id: ID, _ request: Request, _ includesDeleted: Bool, _ db: Database) throws -> Outdial {
        guard let outdial = try OutdialTables.outdials.load(id, in: db)?.state, outdial.customer == request.customerID,
            includesDeleted || outdial.deletedAt == nil
        else { throw Refusal.notFound("OUTDIAL_NOT_FOUND", "there is no outdial \(id)") }
        return outdial
    }

    private func target(_ request: Request, _ includesDeleted: Bool, _ db: Database) throws -> JSONValue {
        let outdial = try outdial(try request.params.requireID("outdial_id"), request, includesDeleted, db)
        let id = try request.params.requireID("id")
        guard let target = try OutdialTables.targets.load(id, in: db)?.state, target.outdial == outdial.id,
            includesDeleted || target.deletedAt == nil
        else { throw Refusal.notFound("OUTDIAL_TARGET_NOT_FOUND", "there is no target \(id) in this outdial") }
        return target.resource
    }

    /// The target counts of several outdials, by id.
    private func progress(_ request: Request, _ db: Database) throws -> JSONValue {
        var answer = JSONObject()
        for id in try request.params.requireArray("ids").compactMap(\.id) {
            guard let outdial = try OutdialTables.outdials.load(id, in: db)?.state,
                outdial.customer == request.customerID
            else { continue }
            let counts = try TargetCounts(of: id, in: db)
            let nextDue = counts.idle > 0 ? try TargetSelection.nextDue(in: id, db) : nil
            let waiting = nextDue.flatMap { $0 > clock() ? $0 : nil }
            answer[id.description] = [
                "targets": .integer(counts.targets), "idle": .integer(counts.idle),
                "progressing": .integer(counts.progressing), "done": .integer(counts.done),
                "success": .integer(counts.success), "fail": .integer(counts.fail), "waiting_until": .optional(waiting),
            ]
        }
        return .object(answer)
    }

    /// Every claim, for campaign-manager to compare with what it runs, and every outdial with leases that outlived theirs.
    private func claims(_ db: Database) throws -> JSONValue {
        let claimed = try OutdialTables.outdials.fetch(
            """
            WHERE claimed = 1
                OR id IN (SELECT outdial_id FROM target_count WHERE bucket = 'progressing' AND targets > 0)
            """,
            [],
            in: db
        )
        return [
            "claims": .array(
                claimed.map { loaded in
                    [
                        "outdial_id": .id(loaded.id), "campaign_id": .id(loaded.state.claim?.campaign ?? .none),
                        "run": .integer(loaded.state.claim?.run ?? 0),
                    ]
                }
            )
        ]
    }

    private func openLeases(_ outdial: ID, _ db: Database) throws -> JSONValue {
        let leased = try OutdialTables.targets.fetch(
            "INDEXED BY target_leased WHERE outdial_id = ? AND bucket = 'progressing'",
            [outdial],
            in: db
        )
        let plan = try OutdialTables.outdials.load(outdial, in: db)?.state.plan
        return [
            "leases": .array(
                leased.compactMap { target in
                    guard let lease = target.state.lease,
                        case .object(var json)? = target.state.leased?.limited(by: plan).json
                    else { return nil }
                    json.append("campaign_id", .id(lease.campaign))
                    json.append("run", .integer(lease.run))
                    return .object(json)
                }
            )
        ]
    }
}
