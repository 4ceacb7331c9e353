import Contracts
import EventLog
import GRDB
import OutdialDomain
import Service

/// Lists, and what walks through a whole outdial.
extension OutdialReads {
    func outdials(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let query = ListQuery(params: request.params)
        var filter = ListFilter()
        filter.require(name: query.text("name"))
        let shown =
            "coalesce(json_extract(state, '$.claim.campaign_id'), json_extract(state, '$.assigned_campaign_id'))"
        filter.require(shown, is: try query.id("campaign_id")?.description)
        let list = "customer_id = ?"
        return try Page(of: OutdialTables.outdials, where: list, [request.customerID], filter: filter, page, in: db)
            .json(\.resource)
    }

    func targets(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let outdial = try outdial(try request.params.requireID("outdial_id"), request, page.includesDeleted, db)
        let filter = try targetFilter(ListQuery(params: request.params))
        return try Page(of: OutdialTables.targets, where: "outdial_id = ?", [outdial.id], filter: filter, page, in: db)
            .json(\.resource)
    }

    private func targetFilter(_ query: ListQuery) throws(Refusal) -> ListFilter {
        var filter = ListFilter()
        // The bucket of a deleted target does not say how it stands: the state does.
        let status = "CASE WHEN is_deleted = 0 THEN bucket ELSE json_extract(state, '$.status') END"
        switch try query.word("status", Target.Status.allCases.map(\.rawValue)) {
        case "done": filter.require("\(status) IN ('success', 'fail', 'done')")
        case let word: filter.require(status, is: word)
        }
        let result = "CASE WHEN is_deleted = 0 THEN bucket ELSE json_extract(state, '$.result') END"
        filter.require(result, is: try query.word("result", Rearm.results))
        for name in ["result_reason", "hangup_reason"] {
            filter.require(
                "result_reason",
                is: try query.word(name, TargetReasons.all, aliases: ["noanswer": HangupReason.noAnswer.rawValue])
            )
        }
        filter.require(name: query.text("name"), in: "name")
        filter.from = try query.time("from")
        filter.before = try query.time("to")
        return filter
    }

    // MARK: - Results

    private static let mostResults: Int64 = 500

    /// How the targets of an outdial stand, the oldest first: `{"rows": […], "next": token or null}`.
    ///
    /// `after` is the token of the page before, 0 for the first page. Also of a deleted outdial: its results remain.
    /// Deleted targets are left out. `destination` is the one that was tried last, else the first one.
    func results(_ request: Request, _ db: Database) throws -> JSONValue {
        let params = request.params
        let outdial = try outdial(try params.requireID("outdial_id"), request, true, db)
        let after = params["after"].integer ?? 0
        let limit = min(OutdialReads.mostResults, max(1, params["limit"].integer ?? OutdialReads.mostResults))
        var found = try OutdialTables.targets.fetch(
            "WHERE outdial_id = ? AND is_deleted = 0 AND created_at > ? ORDER BY created_at, rowid LIMIT ?",
            [outdial.id, after, limit + 1],
            in: db
        ).map(\.state)
        guard found.count > limit else { return OutdialReads.results(found, next: nil) }
        found.removeLast()
        // Those that share the last creation time belong to this page: the time alone is the token.
        if let last = found.last?.createdAt {
            let known = Set(found.map(\.id))
            let ties = "WHERE outdial_id = ? AND is_deleted = 0 AND created_at = ? ORDER BY rowid"
            found += try OutdialTables.targets.fetch(ties, [outdial.id, last], in: db)
                .map(\.state).filter { !known.contains($0.id) }
        }
        return OutdialReads.results(found, next: found.last?.createdAt)
    }

    private static func results(_ targets: [Target], next: Timestamp?) -> JSONValue {
        let rows = targets.map { target -> JSONValue in
            let index = target.destinations.indices.last { target.tryCounts[$0] > 0 }
            let destination = target.destinations[index ?? 0] ?? target.destinations.lazy.compactMap { $0 }.first
            return [
                "id": .id(target.id), "name": .string(target.name), "detail": .string(target.detail),
                "data": .string(target.data), "status": .string(target.status.rawValue),
                "result": .string(target.result), "result_reason": .string(target.resultReason),
                "tries": .integer(target.tryCounts.reduce(0, +)), "destination": Address.optional(destination),
            ]
        }
        return ["rows": .array(rows), "next": .optional(next)]
    }

    // MARK: - Re-arming

    /// Where a walk over the targets of an outdial has come, in the order of their creation.
    struct Place: Sendable {
        var createdAt = Int64.min
        var row = Int64.min
    }

    /// Up to `limit` targets behind `place` that `rearm` names, and where to go on; nil when there are no more.
    func rearmable(
        _ rearm: Rearm,
        _ request: Request,
        behind place: Place,
        limit: Int
    ) throws -> (ids: [ID], next: Place?) {
        try log.read { db in
            let outdial = try outdial(try request.params.requireID("outdial_id"), request, false, db)
            var filter = ListFilter()
            filter.require("bucket IN ('success', 'fail')")
            filter.require("bucket", is: rearm.result)
            if !rearm.reasons.isEmpty {
                let marks = rearm.reasons.map { _ in "?" }.joined(separator: ", ")
                filter.require("result_reason IN (\(marks))", StatementArguments(rearm.reasons))
            }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, created_at, rowid FROM target INDEXED BY target_list
                    WHERE outdial_id = ? AND (created_at, rowid) > (?, ?) AND \(filter.conditions.joined(separator: " AND "))
                    ORDER BY created_at, rowid LIMIT ?
                    """,
                arguments: [outdial.id, place.createdAt, place.row] + filter.arguments + [limit]
            )
            let next = rows.count < limit ? nil : rows.last.map { Place(createdAt: $0[1], row: $0[2]) }
            return (rows.map { $0[0] }, next)
        }
    }
}
