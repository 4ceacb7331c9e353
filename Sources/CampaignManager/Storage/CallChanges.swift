import CampaignDomain
import Contracts
import EventLog
import GRDB

/// The campaigncalls of one campaign that changed after a mark, for those who follow it.
///
/// A mark is the position of an event in the log. What one answer reads is bounded: at most ``maximumEvents`` events are
/// looked at, and at most ``maximumRows`` calls are told. Who is further behind than ``maximumDistance`` events is told to
/// begin anew: that costs less than to tell them of everything.
struct CallChanges {
    static let maximumRows = 500
    static let maximumEvents: Int64 = 20_000
    static let maximumDistance: Int64 = 100_000

    let campaign: ID
    let mark: Int64?
    let db: Database

    /// `{"changes": [{"mark", "campaigncall"}], "next": mark, "more": bool, "reset": bool}`: the calls as they are now, in
    /// the order of their last change; all changes up to `next` are told unless `reset` says that some were skipped.
    func answer() throws -> JSONValue {
        let head = try Int64.fetchOne(try db.cachedStatement(sql: "SELECT max(position) FROM event")) ?? 0
        guard let mark else { return CallChanges.answer([], next: head) }
        guard mark <= head, head - mark <= CallChanges.maximumDistance else {
            return CallChanges.answer([], next: head, isReset: true)
        }
        let (positions, next) = try changed(after: mark, head: head)
        let changes = try positions.sorted { $0.value < $1.value }.compactMap { id, position -> JSONValue? in
            guard let call = try CampaignTables.calls.load(id, in: db)?.state, !call.wasNotDialed else { return nil }
            return ["mark": .integer(position), "campaigncall": call.resource]
        }
        return CallChanges.answer(changes, next: next, hasMore: next < head)
    }

    /// The calls of this campaign with the position of their last event, and how far the log was read.
    private func changed(after mark: Int64, head: Int64) throws -> (positions: [ID: Int64], next: Int64) {
        let last = min(head, mark + CallChanges.maximumEvents)
        let prefix = "\(Campaigncall.category)-"
        // The plus keeps SQLite from reading the index of streams instead of the few rows behind the mark.
        let statement = try db.cachedStatement(
            sql: "SELECT position, stream FROM event WHERE position > ? AND position <= ? AND +stream GLOB ? ORDER BY 1"
        )
        let rows = try Row.fetchCursor(statement, arguments: [mark, last, "\(prefix)*"])
        var positions: [ID: Int64] = [:]
        var others: Set<ID> = []
        while let row = try rows.next() {
            let (position, stream): (Int64, String) = (row[0], row[1])
            guard let id = ID(stream.dropFirst(prefix.count)), !others.contains(id) else { continue }
            if positions[id] == nil {
                guard try isOfCampaign(id) else {
                    others.insert(id)
                    continue
                }
                if positions.count == CallChanges.maximumRows { return (positions, position - 1) }
            }
            positions[id] = position
        }
        return (positions, last)
    }

    private func isOfCampaign(_ call: ID) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT campaign_id = ? FROM campaigncall WHERE id = ?")
        return try Bool.fetchOne(statement, arguments: [campaign, call]) ?? false
    }

    private static func answer(
        _ changes: [JSONValue],
        next: Int64,
        hasMore: Bool = false,
        isReset: Bool = false
    ) -> JSONValue {
        ["changes": .array(changes), "next": .integer(next), "more": .bool(hasMore), "reset": .bool(isReset)]
    }
}

extension CampaignReads {
    /// Answers `campaigncall.changes`; throws `CAMPAIGN_NOT_FOUND` for a campaign that is deleted or not the customer's.
    func changes(_ request: Request, _ db: Database) throws -> JSONValue {
        let campaign = try request.params.requireID("campaign_id")
        let state = try CampaignTables.campaigns.load(campaign, in: db)?.state
        guard let state, state.customer == request.customerID, state.deletedAt == nil else {
            throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign \(campaign)")
        }
        return try CallChanges(campaign: campaign, mark: request.params["after"].integer, db: db).answer()
    }
}
