import Contracts
import HTTPTypes
import HummingbirdCore
import NIOCore

extension Gateway {
    /// `text/csv` with one row for each target of the campaign's outdial, sent as it is read: page by page.
    ///
    /// What goes wrong before the first page is told as usual; later the connection breaks, and the client sees that the
    /// table is not complete.
    func results(of campaign: ID, call: ClientCall, caller: Identity) async throws -> Answer {
        var params: JSONObject = ["id": .id(campaign)]
        if call.query.flag("deleted") { params.append("deleted", true) }
        let found = try await managers.read(
            "campaign.get",
            .object(params),
            of: .campaign,
            caller: caller,
            correlation: call.correlation
        )
        let pages = ResultPages(
            campaign: campaign,
            outdial: found["outdial_id"].id ?? .none,
            managers: managers,
            table: ResultTable(publicForm: publicForm),
            caller: caller,
            correlation: call.correlation
        )
        let first = try await pages.page(after: 0)
        return Answer(
            content: .stream(type: "text/csv; charset=utf-8; header=present") { writer in
                try await writer.write(ByteBuffer(bytes: ResultTable.header))
                var page = first
                while true {
                    if !page.bytes.isEmpty { try await writer.write(ByteBuffer(bytes: page.bytes)) }
                    guard let next = page.next else { break }
                    page = try await pages.page(after: next)
                }
                try await writer.finish(nil)
            },
            headers: [.contentDisposition: "attachment; filename=\"campaign-\(campaign).csv\""]
        )
    }
}

/// The pages of one table.
struct ResultPages: Sendable {
    let campaign: ID
    let outdial: ID
    let managers: ManagerRequests
    let table: ResultTable
    let caller: Identity
    let correlation: ID

    private static let size = 500

    /// The rows after a row number, as text, and the number to go on after; nil at the end.
    func page(after row: Int64) async throws(Refusal) -> (bytes: [UInt8], next: Int64?) {
        if outdial.isNone { return ([], nil) }
        let targets = try await managers.result(
            "target.results",
            ["outdial_id": .id(outdial), "after": .integer(row), "limit": .integer(ResultPages.size)],
            of: .outdial,
            caller: caller,
            correlation: correlation
        )
        let rows = targets["rows"].array ?? []
        var calls: JSONValue = [:]
        if !rows.isEmpty {
            calls = try await managers.result(
                "campaigncall.last",
                ["campaign_id": .id(campaign), "target_ids": .array(rows.map { $0["id"] })],
                of: .campaign,
                caller: caller,
                correlation: correlation
            )
        }
        var bytes: [UInt8] = []
        for target in rows {
            table.write(target, lastCall: calls[target["id"].string ?? ""], into: &bytes)
        }
        return (bytes, targets["next"].integer)
    }
}
