import CampaignDomain
import Contracts

/// The agents who can be rung, by customer and queue: what matching and pacing look at instead of the tables.
///
/// A customer's agents are read when the first of its queues is asked for, and followed from then on.
struct AgentRoster {
    private struct Seat {
        var candidate: Queue.Candidate
        var agent: Agent
    }

    private struct Staff {
        var seats: [ID: Seat] = [:]
        /// Who serves a queue, for each queue that was asked for.
        var queues: [ID: (queue: Queue, agents: Set<ID>)] = [:]
    }

    private var staffs: [ID: Staff] = [:]

    func knows(_ customer: ID) -> Bool { staffs[customer] != nil }

    mutating func read(_ agents: [Agent], of customer: ID) {
        var staff = Staff()
        for agent in agents where agent.canBeRung {
            staff.seats[agent.id] = Seat(candidate: Queue.Candidate(agent), agent: agent)
        }
        staffs[customer] = staff
    }

    /// Follows a change of an agent; answers with the queues that it serves and can be rung for.
    mutating func follow(_ agent: Agent) -> [ID] {
        guard staffs[agent.customer] != nil else { return [] }
        let seat = agent.canBeRung ? Seat(candidate: Queue.Candidate(agent), agent: agent) : nil
        staffs[agent.customer]?.seats[agent.id] = seat
        var serving: [ID] = []
        for (id, view) in staffs[agent.customer]?.queues ?? [:] {
            if seat != nil, view.queue.isServed(by: agent) {
                staffs[agent.customer]?.queues[id]?.agents.insert(agent.id)
                serving.append(id)
            } else if view.agents.contains(agent.id) {
                staffs[agent.customer]?.queues[id]?.agents.remove(agent.id)
            }
        }
        return serving
    }

    /// Forgets who serves a queue that has changed.
    mutating func forget(_ queue: Queue) { staffs[queue.customer]?.queues[queue.id] = nil }

    /// How many agents can be rung for `queue`, whose customer is known.
    mutating func count(for queue: Queue) -> Int {
        view(queue)
        return staffs[queue.customer]?.queues[queue.id]?.agents.count ?? 0
    }

    /// Those who can be rung for `queue`, whose customer is known.
    mutating func candidates(for queue: Queue) -> [Queue.Candidate] {
        view(queue)
        guard let staff = staffs[queue.customer], let view = staff.queues[queue.id] else { return [] }
        return view.agents.compactMap { staff.seats[$0]?.candidate }
    }

    private mutating func view(_ queue: Queue) {
        guard let staff = staffs[queue.customer], staff.queues[queue.id] == nil else { return }
        let serving = staff.seats.values.filter { queue.isServed(by: $0.agent) }.map(\.agent.id)
        staffs[queue.customer]?.queues[queue.id] = (queue, Set(serving))
    }
}
