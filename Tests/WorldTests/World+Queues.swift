import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import GRDB

/// Callers and agents.
extension World {
    /// Nobody waits while an agent could be rung for them: it is looked at after each turn.
    func checkWaiting() throws {
        let problem = try campaigns.reader.read { db -> String? in
            let agents = try CampaignTables.agents.fetch("WHERE can_be_rung = 1", [], in: db)
            guard !agents.isEmpty else { return nil }
            let queues = try CampaignTables.queues.fetch("", [], in: db)
            for caller in try CampaignTables.queuecalls.fetch("WHERE status = 'waiting'", [], in: db) {
                guard
                    let call = try CampaignTables.calls.fetch("WHERE id = ?", [caller.state.new.attempt], in: db).first,
                    call.state.isOpen, !call.state.isSettling, caller.state.due(now: now).isEmpty,
                    let queue = queues.first(where: { $0.id == caller.state.new.queue })?.state,
                    let agent = agents.first(where: {
                        queue.isServed(by: $0.state) && caller.state.mayRing($0.id, now: now)
                    })
                else { continue }
                return "queuecall \(caller.id) waits, and agent \(agent.id) is free"
            }
            return nil
        }
        if let problem, !carrier.problems.contains(problem) {
            note(problem)
            carrier.problems.append(problem)
        }
    }

    /// Who was answered for a queue alone has come to it, and nobody is left in one, or with an agent.
    func queueEnds() throws -> [String] {
        var problems: [String] = []
        let (plain, calls, callers, agents) = try campaigns.reader.read { db in
            (
                try CampaignTables.campaigns.fetch("", [], in: db).filter { $0.state.settings.actions.isEmpty }.map(
                    \.id
                ),
                try CampaignTables.calls.fetch("", [], in: db).map(\.state),
                try CampaignTables.queuecalls.fetch("", [], in: db).map(\.state),
                try CampaignTables.agents.fetch("", [], in: db).map(\.state)
            )
        }
        for call in calls where call.answeredAt != nil && !call.assignment.program.isNone && call.queuecall.isNone {
            guard plain.contains(call.assignment.campaign) else { continue }
            problems.append("attempt \(call.assignment.id) was answered, and never came to its queue")
        }
        for caller in callers where caller.isOpen { problems.append("queuecall \(caller.id) is \(caller.status)") }
        for agent in agents {
            if !agent.duty.queuecall.isNone { problems.append("agent \(agent.id) is \(agent.status) for ever") }
            if let until = agent.duty.wrapUpUntil, until <= now {
                problems.append("agent \(agent.id) wraps up for ever")
            }
            let isFree = agent.status == .available || agent.duty.wrapUpUntil != nil
            if client.agents.contains(agent.id), !isFree {
                problems.append("agent \(agent.id) is \(agent.status), and has said that they are available")
            }
        }
        for leg in queueWatch.talks.subtracting(carrier.talks).sorted() {
            problems.append("leg \(leg) counts as a talk, and nobody answered it")
        }
        return problems
    }

    /// What a queue is like; nil where it was not said.
    func queueSettings() -> JSONObject {
        [
            "wait_timeout": .integer(draw(3) * 8_000), "ring_timeout": .integer([2_000, 5_000, 15_000][draw(3)]),
            "service_timeout": .integer(draw(2) * 10_000), "wrap_up_time": .integer(draw(3) * 4_000),
            "routing_method": .string(["", "random", "ringall", "round_robin"][draw(4)]),
        ]
    }

    /// Somebody has the caller who has waited longest leave.
    func kickSomebody() throws {
        let waiting = try campaigns.reader.read {
            try CampaignTables.queuecalls.fetch("WHERE status = 'waiting' ORDER BY created_at LIMIT 1", [], in: $0)
        }
        if let caller = waiting.first { try atCampaigns("queuecall.kick", ["id": .id(caller.id)]) }
    }
}
