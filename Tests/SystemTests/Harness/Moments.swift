import CampaignDomain
import Contracts
import EventLog

/// What has to hold at every moment of campaign-manager's log, and not only at its end: no campaign has more open attempts
/// than its limit, no worker more than its channels, and a campaigncall that has its result keeps it.
struct Moments {
    private(set) var problems: [String] = []
    private var campaigns: [ID: Campaign] = [:]
    private var channels: [ID: Int] = [:]
    private var openByCampaign: [ID: Int64] = [:]
    private var openByJournal: [ID: Int] = [:]

    mutating func take(_ event: RecordedEvent) throws {
        guard let id = ID(event.stream.suffix(36)), let data = event.data else { return }
        if event.stream.hasPrefix("\(Campaign.category)-") {
            let decoded = try CampaignEvent(type: event.type, schema: event.schema, json: try JSONValue(parsing: data))
            Campaign.evolve(&campaigns[id], decoded, at: event.recordedAt)
        } else if event.type == "worker_registered" || event.type == "worker_changed" {
            channels[id] = try JSONValue(parsing: data).requireInt("channels")
        }
    }

    mutating func take(_ before: Campaigncall?, _ after: Campaigncall?) {
        guard let after else { return }
        let assigned = after.assignment
        if before == nil {
            openByCampaign[assigned.campaign, default: 0] += 1
            openByJournal[assigned.journal, default: 0] += 1
            let limit = campaigns[assigned.campaign]?.settings.maximumConcurrent ?? 0
            if limit > 0, openByCampaign[assigned.campaign, default: 0] > limit {
                problems.append("campaign \(assigned.campaign) has more than \(limit) attempts at \(assigned.id)")
            }
            // Other engines have no worker in the registry; their channels are a setting.
            if assigned.engine.isEmpty, openByJournal[assigned.journal, default: 0] > channels[assigned.journal] ?? 0 {
                problems.append("worker \(assigned.worker) has more attempts than channels at \(assigned.id)")
            }
        } else if let before, before.isOpen, !after.isOpen {
            openByCampaign[assigned.campaign, default: 0] -= 1
            openByJournal[assigned.journal, default: 0] -= 1
        } else if let before, !before.isOpen,
            before.outcome != after.outcome || before.hangupReason != after.hangupReason
                || before.endedAt != after.endedAt || after.isOpen
        {
            problems.append("campaigncall \(assigned.id) changed after its end")
        }
    }
}
