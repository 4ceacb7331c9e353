/// campaign-manager has found an agent for a caller who waits on a worker: ring this agent, and join both.
package struct AgentRing: Hashable, Sendable {
    package var attempt: ID
    package var queuecall: ID
    /// The one call to the agent. It is rung once, whatever is repeated.
    package var leg: ID
    package var agent: ID
    /// Where the agent can be reached, all at once.
    package var addresses: [Address]
    package var ringTimeout: Milliseconds
    /// How long the talk may last; 0 is as long as any call.
    package var serviceTimeout: Milliseconds
    /// The last moment to begin; nil, as earlier versions of campaign-manager have it, is none.
    package var ringBy: Timestamp?

    package init(
        attempt: ID,
        queuecall: ID,
        leg: ID,
        agent: ID,
        addresses: [Address],
        ringTimeout: Milliseconds,
        serviceTimeout: Milliseconds,
        ringBy: Timestamp? = nil
    ) {
        self.attempt = attempt
        self.queuecall = queuecall
        self.leg = leg
        self.agent = agent
        self.addresses = addresses
        self.ringTimeout = ringTimeout
        self.serviceTimeout = serviceTimeout
        self.ringBy = ringBy
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "queuecall_id": .id(queuecall), "leg_id": .id(leg), "agent_id": .id(agent),
            "addresses": .array(addresses.map(\.json)), "ring_timeout": .integer(ringTimeout.count),
            "service_timeout": .integer(serviceTimeout.count),
        ]
        if let ringBy { object.append("ring_by", .time(ringBy)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        var addresses: [Address] = []
        for address in try json.requireArray("addresses") {
            if let address = try Address.stored(address) { addresses.append(address) }
        }
        self.init(
            attempt: try json.requireID("attempt_id"),
            queuecall: try json.requireID("queuecall_id"),
            leg: try json.requireID("leg_id"),
            agent: try json.requireID("agent_id"),
            addresses: addresses,
            ringTimeout: Milliseconds(try json.requireInteger("ring_timeout")),
            serviceTimeout: Milliseconds(try json.requireInteger("service_timeout")),
            ringBy: json.optionalTime("ring_by")
        )
    }
}

/// What a worker reports of a call to an agent.
package struct AgentLegReport: Hashable, Sendable {
    package enum State: String, Sendable, CaseIterable {
        case ringing
        /// Caller and agent talk.
        case answered
        case noAnswer = "no_answer"
        case busy, failed
        /// It was not rung: the order came after its time. Nothing of the agent's doing.
        case late
        /// The talk is over, or the caller hung up while the agent rang.
        case ended
    }

    package var attempt: ID
    package var queuecall: ID
    package var leg: ID
    package var agent: ID
    package var state: State
    package var at: Timestamp
    package var journal: ID
    /// The position in the journal.
    package var sequence: Int64

    package init(
        attempt: ID,
        queuecall: ID,
        leg: ID,
        agent: ID,
        state: State,
        at: Timestamp,
        journal: ID,
        sequence: Int64
    ) {
        self.attempt = attempt
        self.queuecall = queuecall
        self.leg = leg
        self.agent = agent
        self.state = state
        self.at = at
        self.journal = journal
        self.sequence = sequence
    }

    package var json: JSONValue {
        [
            "attempt_id": .id(attempt), "queuecall_id": .id(queuecall), "leg_id": .id(leg), "agent_id": .id(agent),
            "state": .string(state.rawValue), "at": .time(at), "journal": .id(journal), "sequence": .integer(sequence),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let state = State(rawValue: try json.requireString("state")) else {
            throw JSONError("state must be one of \(State.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.init(
            attempt: try json.requireID("attempt_id"),
            queuecall: try json.requireID("queuecall_id"),
            leg: try json.requireID("leg_id"),
            agent: try json.requireID("agent_id"),
            state: state,
            at: try json.requireTime("at"),
            journal: try json.requireID("journal"),
            sequence: try json.requireInteger("sequence")
        )
    }
}
