import Contracts
import EventLog
import GRDB
import OutdialDomain
import Service

extension OutdialReads {
    /// The counts of a ``Rehearsal`` of `plan` (null for none), and who holds the outdial: one look at each target.
    func rehearse(_ request: Request, _ db: Database) throws -> JSONValue {
        let outdial = try outdial(try request.params.requireID("outdial_id"), request, false, db)
        let plan = request.params["plan"].isNull ? nil : try DialPlan(json: request.params["plan"])
        let now = clock()
        var rehearsal = Rehearsal()
        if let plan, try hasConditions(plan, outdial, db) {
            try rehearseGroups(of: outdial, under: plan, now, "bucket <> 'idle' AND ", &rehearsal, db)
            try rehearseEach(of: outdial, under: plan, now, &rehearsal, db)
        } else {
            try rehearseGroups(of: outdial, under: plan, now, "", &rehearsal, db)
        }
        var answer = rehearsal.json
        answer.append("campaign_id", .id(outdial.claim?.campaign ?? .none))
        return .object(answer)
    }

    /// Whether anything else than a target's own tries decides: then each target that waits has to be read.
    private func hasConditions(_ plan: DialPlan, _ outdial: Outdial, _ db: Database) throws -> Bool {
        if !plan.hours.isAlways || plan.minimumInterval > 0 { return true }
        let listed = "SELECT 1 FROM dnclist WHERE customer_id IN (?, ?) AND is_deleted = 0 AND version > 1 LIMIT 1"
        if try Int.fetchOne(db, sql: listed, arguments: [outdial.customer, ID.none]) != nil { return true }
        let held = """
            SELECT 1 FROM target INDEXED BY target_held WHERE customer_id = ? AND held_number IS NOT NULL
            UNION ALL SELECT 1 FROM target INDEXED BY target_deferred WHERE outdial_id = ? AND deferred = 1
            UNION ALL SELECT 1 FROM number_called WHERE customer_id = ? AND ended_at > ? LIMIT 1
            """
        return try Int.fetchOne(db, sql: held, arguments: [outdial.customer, outdial.id, outdial.customer, clock()])
            != nil
    }

    private func rehearseGroups(
        of outdial: Outdial,
        under plan: DialPlan?,
        _ now: Timestamp,
        _ condition: String,
        _ rehearsal: inout Rehearsal,
        _ db: Database
    ) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT bucket, tries, due_at > ?1, max(due_at), count(*) FROM target INDEXED BY target_list
                WHERE \(condition)outdial_id = ?2 AND is_deleted = 0 GROUP BY 1, 2, 3
                """,
            arguments: [now, outdial.id]
        )
        while let row = try rows.next() {
            let status: Target.Status
            switch TargetBucket(rawValue: row[0]) {
            case .idle: status = .idle
            case .progressing: status = .progressing
            default: status = .done
            }
            let group = Rehearsal.Group(
                status: status,
                tries: TriesUsed(packed: row[1]),
                dueAt: row[2] && status == .idle ? row[3] : nil,
                targets: row[4]
            )
            rehearsal.add(group, under: plan)
        }
    }

    private func rehearseEach(
        of outdial: Outdial,
        under plan: DialPlan,
        _ now: Timestamp,
        _ rehearsal: inout Rehearsal,
        _ db: Database
    ) throws {
        let book = CallingClock(zones: zones).book(of: plan.hours)
        let conditions = DialingConditions(try ListsInForce(of: outdial.customer, in: db), book, now: now, db)
        // In the order of their creation; those of one moment stay together, so that it alone is the place to go on from.
        let slice = 1000
        var place = Int64.min
        while true {
            var targets = try OutdialTables.targets.fetch(
                """
                INDEXED BY target_list WHERE outdial_id = ? AND created_at > ? AND bucket = 'idle'
                ORDER BY created_at LIMIT ?
                """,
                [outdial.id, place, slice],
                in: db
            )
            guard let last = targets.last?.state.createdAt else { return }
            if targets.count == slice {
                targets.removeAll { $0.state.createdAt == last }
                targets += try OutdialTables.targets.fetch(
                    "INDEXED BY target_list WHERE outdial_id = ? AND created_at = ? AND bucket = 'idle'",
                    [outdial.id, last],
                    in: db
                )
            }
            for target in targets { try rehearsal.add(target.state, under: plan, now: now, conditions) }
            place = last.microseconds
        }
    }
}
