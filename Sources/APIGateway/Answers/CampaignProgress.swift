import Contracts

/// Puts the counts of targets, which outdial-manager keeps, beside the counts of calls in a campaign's `progress`.
struct CampaignProgress: Sendable {
    let managers: ManagerRequests
    /// How long an answer may wait for the counts; it is given without them rather than not at all.
    let deadline: Duration

    private static let targetCounts = ["targets", "idle", "progressing", "done", "success", "fail"]

    /// A campaign, or a list of them under `result`, with the counts of its targets.
    func merged(into answer: JSONValue, caller: Identity, correlation: ID) async -> JSONValue {
        let campaigns = answer["result"].array ?? [answer]
        let outdials = Set(campaigns.compactMap { $0["outdial_id"].id }).subtracting([.none])
        let counts: JSONValue
        do throws(Refusal) {
            counts =
                outdials.isEmpty
                ? [:]
                : try await managers.read(
                    "outdial.progress",
                    ["ids": .array(outdials.sorted().map { .id($0) })],
                    of: .outdial,
                    caller: caller,
                    correlation: correlation,
                    deadline: deadline
                )
        } catch {
            return answer
        }
        guard answer["result"].array != nil, case .object(var page) = answer else {
            return CampaignProgress.merge(counts, into: answer)
        }
        page["result"] = .array(campaigns.map { CampaignProgress.merge(counts, into: $0) })
        return .object(page)
    }

    private static func merge(_ counts: JSONValue, into campaign: JSONValue) -> JSONValue {
        guard case .object(var object) = campaign else { return campaign }
        let outdial = campaign["outdial_id"].id ?? .none
        var progress = JSONObject()
        if outdial.isNone {
            for name in targetCounts { progress.append(name, 0) }
        } else if let known = counts[outdial.description].object {
            for name in targetCounts { progress.append(name, known[name]) }
        }
        for member in campaign["progress"].object?.members ?? [] { progress[member.name] = member.value }
        if outdial.isNone || counts[outdial.description].object != nil {
            progress["waiting_until"] = counts[outdial.description]["waiting_until"]
        }
        object["progress"] = .object(progress)
        return .object(object)
    }
}
