import CampaignDomain
import Contracts
import EventLog
import GRDB

extension Actor {
    /// Who `name` stands for now: `agent:<id>` or `accesskey:<id>`, as the gateway names who asks.
    ///
    /// Nobody for a deleted agent or key, and for every other name.
    init(named name: String, in db: Database) throws {
        self = .nobody
        let parts = name.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let id = ID(parts[1]) else { return }
        switch parts[0] {
        case "agent":
            guard let agent = try CampaignTables.agents.load(id, in: db)?.state, agent.deletedAt == nil else { return }
            self.init(agent: id, permission: agent.permission)
        case "accesskey":
            guard let key = try CampaignTables.accessKeys.load(id, in: db)?.state, key.deletedAt == nil else { return }
            self.init(permission: key.permission)
        default: return
        }
    }
}
