package import Contracts

/// What the journal keeps of the flow of an attempt, in the attempt's own stream.
package enum FlowNote: Hashable, Sendable {
    case progressed(FlowSteps)
    /// The caller waits for an agent.
    case queueJoined(attempt: ID, queuecall: ID, queue: ID)
    case agentLeg(AgentLeg, AgentLegReport.State)
    case optOut(OptOut)
    /// A call of its own that the flow places; it is in the ledger under this id.
    case legPlaced(attempt: ID, leg: ID, destination: Address)
    /// A call that the flow wanted and that was not placed: `do_not_call`, `unchecked`, `number_busy` or `no_channel`.
    case legRefused(attempt: ID, leg: ID, destination: Address, reason: String)
    /// What the flow on such a call did.
    case legProgressed(leg: ID, FlowSteps)
    case legEnded(attempt: ID, leg: ID, reason: String)

    package var type: String {
        switch self {
        case .progressed: "flow_progressed"
        case .queueJoined: "flow_queue_joined"
        case .agentLeg: "flow_agent_leg"
        case .optOut: "flow_opt_out"
        case .legPlaced: "flow_leg_placed"
        case .legRefused: "flow_leg_refused"
        case .legProgressed: "flow_leg_progressed"
        case .legEnded: "flow_leg_ended"
        }
    }

    package var json: JSONValue {
        switch self {
        case .progressed(let steps): return .object(steps.members)
        case .queueJoined(let attempt, let queuecall, let queue):
            return ["attempt_id": .id(attempt), "queuecall_id": .id(queuecall), "queue_id": .id(queue)]
        case .agentLeg(let leg, let state):
            return [
                "attempt_id": .id(leg.attempt), "queuecall_id": .id(leg.queuecall), "leg_id": .id(leg.leg),
                "agent_id": .id(leg.agent), "state": .string(state.rawValue),
            ]
        case .optOut(let optOut): return optOut.json
        case .legPlaced(let attempt, let leg, let destination):
            return ["attempt_id": .id(attempt), "leg_id": .id(leg), "destination": destination.json]
        case .legRefused(let attempt, let leg, let destination, let reason):
            return [
                "attempt_id": .id(attempt), "leg_id": .id(leg), "destination": destination.json,
                "reason": .string(reason),
            ]
        case .legProgressed(let leg, let steps):
            var members = steps.members
            members.append("leg_id", .id(leg))
            return .object(members)
        case .legEnded(let attempt, let leg, let reason):
            return ["attempt_id": .id(attempt), "leg_id": .id(leg), "reason": .string(reason)]
        }
    }

    /// Nil when `type` is not of a flow.
    package init?(type: String, json: JSONValue) throws(JSONError) {
        switch type {
        case "flow_progressed": self = .progressed(try FlowSteps(json: json))
        case "flow_queue_joined":
            self = .queueJoined(
                attempt: try json.requireID("attempt_id"),
                queuecall: try json.requireID("queuecall_id"),
                queue: try json.requireID("queue_id")
            )
        case "flow_agent_leg":
            guard let state = AgentLegReport.State(rawValue: try json.requireString("state")) else {
                throw JSONError("state of \(type) is not known")
            }
            let leg = AgentLeg(
                attempt: try json.requireID("attempt_id"),
                queuecall: try json.requireID("queuecall_id"),
                leg: try json.requireID("leg_id"),
                agent: try json.requireID("agent_id")
            )
            self = .agentLeg(leg, state)
        case "flow_opt_out": self = .optOut(try OptOut(json: json))
        case "flow_leg_placed":
            guard let destination = try Address.stored(json["destination"]) else {
                throw JSONError("destination is missing")
            }
            self = .legPlaced(
                attempt: try json.requireID("attempt_id"),
                leg: try json.requireID("leg_id"),
                destination: destination
            )
        case "flow_leg_refused":
            guard let destination = try Address.stored(json["destination"]) else {
                throw JSONError("destination is missing")
            }
            self = .legRefused(
                attempt: try json.requireID("attempt_id"),
                leg: try json.requireID("leg_id"),
                destination: destination,
                reason: try json.requireString("reason")
            )
        case "flow_leg_progressed": self = .legProgressed(leg: try json.requireID("leg_id"), try FlowSteps(json: json))
        case "flow_leg_ended":
            self = .legEnded(
                attempt: try json.requireID("attempt_id"),
                leg: try json.requireID("leg_id"),
                reason: try json.requireString("reason")
            )
        default: return nil
        }
    }
}

/// Which call to which agent, for which caller.
package struct AgentLeg: Hashable, Sendable {
    package var attempt: ID
    package var queuecall: ID
    package var leg: ID
    package var agent: ID

    package init(attempt: ID, queuecall: ID, leg: ID, agent: ID) {
        self.attempt = attempt
        self.queuecall = queuecall
        self.leg = leg
        self.agent = agent
    }

    package init(_ ring: AgentRing) {
        self.init(attempt: ring.attempt, queuecall: ring.queuecall, leg: ring.leg, agent: ring.agent)
    }

    func report(_ state: AgentLegReport.State, _ time: Timestamp, _ journal: ID, _ sequence: Int64) -> AgentLegReport {
        AgentLegReport(
            attempt: attempt,
            queuecall: queuecall,
            leg: leg,
            agent: agent,
            state: state,
            at: time,
            journal: journal,
            sequence: sequence
        )
    }
}

/// What a flow did in one turn.
package struct FlowSteps: Hashable, Sendable {
    package var attempt: ID
    package var status: FlowProgress.Status
    /// What it waits for now.
    package var current: ExecutedAction?
    package var executed: [ExecutedAction]
    /// The variables that were set.
    package var variables: [String: String]

    package init(
        attempt: ID,
        status: FlowProgress.Status,
        current: ExecutedAction?,
        executed: [ExecutedAction],
        variables: [String: String] = [:]
    ) {
        self.attempt = attempt
        self.status = status
        self.current = current
        self.executed = executed
        self.variables = variables
    }

    var members: JSONObject {
        var members: JSONObject = ["attempt_id": .id(attempt), "status": .string(status.rawValue)]
        if let current { members.append("current", current.json) }
        members.append("executed", .array(executed.map(\.json)))
        if !variables.isEmpty { members.append("variables", .texts(variables)) }
        return members
    }

    init(json: JSONValue) throws(JSONError) {
        guard let status = FlowProgress.Status(rawValue: try json.requireString("status")) else {
            throw JSONError("status must be running or ended")
        }
        var executed: [ExecutedAction] = []
        for action in try json.requireArray("executed") { executed.append(try ExecutedAction(json: action)) }
        self.init(
            attempt: try json.requireID("attempt_id"),
            status: status,
            current: json["current"].isNull ? nil : try ExecutedAction(json: json["current"]),
            executed: executed,
            variables: json["variables"].texts
        )
    }

    func report(_ time: Timestamp, _ journal: ID, _ sequence: Int64) -> FlowProgress {
        FlowProgress(
            attempt: attempt,
            activeflow: .activeflow(of: attempt),
            status: status,
            current: current,
            executed: executed,
            at: time,
            journal: journal,
            sequence: sequence
        )
    }
}
