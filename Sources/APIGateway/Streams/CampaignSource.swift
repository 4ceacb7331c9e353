import Contracts

/// Where the streams of campaigns get their news from.
protocol CampaignSource: Sendable {
    /// A campaign's status and progress in the public form; throws `NOT_FOUND` when it is deleted or not the caller's.
    func progress(of campaign: ID, caller: Identity) async throws(Refusal) -> JSONValue

    /// What changed in its campaigncalls after a mark; without a mark nothing but the mark of now.
    func changes(of campaign: ID, after mark: Int64?, caller: Identity) async throws(Refusal) -> CallChanges
}

/// Campaigncalls that changed, in the order of their last change.
struct CallChanges: Sendable {
    var calls: [(mark: Int64, call: JSONValue)] = []
    /// All changes up to this mark are told.
    var next: Int64
    /// There are more, to be asked for now.
    var hasMore = false
    /// Changes before `next` are not told: there were too many.
    var isReset = false
}

/// Asks the managers.
struct ManagerCampaignSource: CampaignSource {
    let managers: ManagerRequests
    let progress: CampaignProgress
    let publicForm: PublicForm

    func progress(of campaign: ID, caller: Identity) async throws(Refusal) -> JSONValue {
        let correlation = ManagerCampaignSource.newID()
        let found = try await managers.read(
            "campaign.get",
            ["id": .id(campaign)],
            of: .campaign,
            caller: caller,
            correlation: correlation
        )
        let complete = publicForm.value(
            await progress.merged(into: found, caller: caller, correlation: correlation)
        )
        return [
            "id": complete["id"], "status": complete["status"], "end_reason": complete["end_reason"],
            "progress": complete["progress"],
        ]
    }

    func changes(of campaign: ID, after mark: Int64?, caller: Identity) async throws(Refusal) -> CallChanges {
        let answer = try await managers.result(
            "campaigncall.changes",
            ["campaign_id": .id(campaign), "after": mark.map { .integer($0) } ?? .null],
            of: .campaign,
            caller: caller,
            correlation: ManagerCampaignSource.newID()
        )
        guard let next = answer["next"].integer else {
            throw Refusal(.unknown, "INTERNAL", "campaigncall.changes was answered without next")
        }
        return CallChanges(
            calls: (answer["changes"].array ?? []).compactMap { change in
                change["mark"].integer.map { (mark: $0, call: publicForm.value(change["campaigncall"])) }
            },
            next: next,
            hasMore: answer["more"].bool ?? false,
            isReset: answer["reset"].bool ?? false
        )
    }

    private static func newID() -> ID {
        var ids = IDGenerator()
        return ids.next(at: .systemNow)
    }
}
