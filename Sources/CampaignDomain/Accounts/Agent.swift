package import Contracts

/// A person of a customer: logs in with user name and password, and takes calls of queues.
package struct Agent: Aggregate, Hashable {
    package static let category = "agent"

    /// What the agent says of itself, or its calls say of it; any can follow any.
    package enum Status: String, Sendable, CaseIterable {
        case available, away, busy, offline, ringing
    }

    /// In which order the addresses of an agent ring.
    package enum RingMethod: String, Sendable, CaseIterable {
        case ringall, linear
    }

    /// What does not decide about access.
    package struct Details: Hashable, Sendable {
        package var name = ""
        package var detail = ""
        package var ringMethod = RingMethod.ringall
        package var tags: [ID] = []
        package var addresses: [Address] = []

        package init() {}
    }

    package var id: ID
    package var customer: ID
    package var username: String
    /// `scrypt$N$r$p$salt$hash`, hexadecimal. Never leaves campaign-manager.
    package var passwordHash: String
    package var details: Details
    package var status: Status
    /// What the calls of queues make of the status.
    package var duty = Duty()
    package var permission: Permission
    package var directHash: String
    /// Raised by all that ends the sessions under way: a changed password or permission, and the end of the agent.
    package var session: Int64
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?
}

/// What happens to an agent.
package enum AgentEvent: DomainEvent, Hashable {
    package struct New: Hashable, Sendable {
        package var id: ID
        package var customer: ID
        package var username: String
        package var passwordHash: String
        package var details: Agent.Details
        package var status: Agent.Status
        package var permission: Permission
    }

    case created(New)
    case updated(Agent.Details)
    case statusUpdated(Agent.Status)
    case permissionChanged(Permission)
    case passwordChanged(passwordHash: String)
    /// A call of a queue rings the agent.
    case rung(queuecall: ID, leg: ID)
    /// The agent has answered: they talk.
    case connected(queuecall: ID)
    /// The call no longer rings, or is over. `missed`: they did not answer. `wrapUpUntil`: busy until then, if at all.
    case released(queuecall: ID, missed: Bool, wrapUpUntil: Timestamp?)
    /// The time for what follows a call is over.
    case wrappedUp
    /// What they want to be after the call that rings or goes on; nil is available.
    case wished(Agent.Status?)
    case deleted
}

extension Agent {
    package typealias Event = AgentEvent

    package static func evolve(_ state: inout Agent?, _ event: AgentEvent, at time: Timestamp) {
        if case .created(let new) = event {
            state = Agent(
                id: new.id,
                customer: new.customer,
                username: new.username,
                passwordHash: new.passwordHash,
                details: new.details,
                status: new.status,
                permission: new.permission,
                directHash: "",
                session: 0,
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
            if new.status == .available { state?.duty.availableSince = time }
            return
        }
        guard var agent = state else { return }
        agent.apply(event, at: time)
        state = agent
    }

    private mutating func apply(_ event: AgentEvent, at time: Timestamp) {
        switch event {
        case .created: return
        case .updated(let details): self.details = details
        case .statusUpdated(let status): set(status, at: time)
        case .rung, .connected, .released, .wrappedUp, .wished: follow(event, at: time)
        case .permissionChanged(let permission):
            self.permission = permission
            session += 1
        case .passwordChanged(let hash):
            passwordHash = hash
            session += 1
        case .deleted:
            deletedAt = time
            session += 1
        }
        updatedAt = time
    }

    package var isAdmin: Bool { permission.contains(.customerAdmin) }
}
