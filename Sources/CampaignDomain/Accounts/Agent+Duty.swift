package import Contracts

/// What the calls of queues make of an agent.
///
/// Available agents are rung; while one rings or talks, its status follows that call and what it sets meanwhile is kept for
/// afterwards. After a talk it is busy for the queue's `wrap_up_time`, then available again.
extension Agent {
    package struct Duty: Hashable, Sendable {
        /// What rings the agent, or who it talks with; ``ID/none`` for nobody.
        package var queuecall = ID.none
        /// The call to the agent of that.
        package var leg = ID.none
        /// What it becomes afterwards, if it has said so.
        package var wish: Status?
        /// The end of what follows a talk.
        package var wrapUpUntil: Timestamp?
        /// Since when it could be rung; a call that it did not get keeps its place in the line.
        package var availableSince: Timestamp?
        /// When it was rung last.
        package var rungAt: Timestamp?
        /// When it let a call ring out, until it takes one or sets its status: others are rung before it.
        package var missedAt: Timestamp?

        package init() {}
    }

    /// Whether a call of a queue may ring it.
    package var canBeRung: Bool { status == .available && duty.queuecall.isNone && deletedAt == nil }

    mutating func set(_ status: Status, at time: Timestamp) {
        if status != .available {
            duty.availableSince = nil
        } else if self.status != .available {
            duty.availableSince = time
        }
        self.status = status
        duty.wish = nil
        duty.wrapUpUntil = nil
        duty.missedAt = nil
    }

    mutating func follow(_ event: AgentEvent, at time: Timestamp) {
        switch event {
        case .rung(let queuecall, let leg):
            status = .ringing
            duty.queuecall = queuecall
            duty.leg = leg
            duty.rungAt = time
            // Who turns out to talk has no end of a wrap-up before them: it would make them available meanwhile.
            duty.wrapUpUntil = nil
        case .connected:
            status = .busy
            duty.availableSince = nil
            duty.missedAt = nil
        case .released(_, let missed, let until): release(missed: missed, until: until, at: time)
        case .wrappedUp:
            status = .available
            duty.wrapUpUntil = nil
            duty.availableSince = time
        case .wished(let status): duty.wish = status
        default: break
        }
    }

    private mutating func release(missed: Bool, until: Timestamp?, at time: Timestamp) {
        duty.queuecall = .none
        duty.leg = .none
        if missed { duty.missedAt = time }
        if let wish = duty.wish {
            status = wish
            duty.wish = nil
            duty.availableSince = nil
        } else if let until {
            status = .busy
            duty.wrapUpUntil = until
        } else {
            status = .available
            duty.availableSince = duty.availableSince ?? time
        }
    }
}

/// The rules.
extension Agent {
    /// It sets its own status; while a call rings or goes on, that is what it becomes afterwards.
    func change(to status: Status) -> [AgentEvent] {
        guard !duty.queuecall.isNone else {
            return status == self.status && duty.wrapUpUntil == nil ? [] : [.statusUpdated(status)]
        }
        switch status {
        case .ringing: return []
        case .available: return duty.wish == nil ? [] : [.wished(nil)]
        case .busy, .away, .offline: return duty.wish == status ? [] : [.wished(status)]
        }
    }

    package func ring(queuecall: ID, leg: ID) -> [AgentEvent] {
        canBeRung ? [.rung(queuecall: queuecall, leg: leg)] : []
    }

    /// It has answered `leg`; nothing when that does not ring any more.
    package func connect(leg: ID) -> [AgentEvent] {
        duty.leg == leg && status == .ringing ? [.connected(queuecall: duty.queuecall)] : []
    }

    /// It talks although nobody expected it any more; nothing when it has another call.
    package func connectLate(queuecall: ID, leg: ID) -> [AgentEvent] {
        guard duty.queuecall.isNone, deletedAt == nil else { return [] }
        let events: [AgentEvent] = [.rung(queuecall: queuecall, leg: leg), .connected(queuecall: queuecall)]
        return [.away, .offline].contains(status) ? events + [.wished(status)] : events
    }

    /// `leg` is over.
    package func release(leg: ID, missed: Bool, wrapUpTime: Milliseconds, now: Timestamp) -> [AgentEvent] {
        guard duty.leg == leg, !leg.isNone else { return [] }
        let needsTime = status == .busy && wrapUpTime > 0 && duty.wish == nil
        let until = needsTime ? now + wrapUpTime : nil
        return [.released(queuecall: duty.queuecall, missed: missed, wrapUpUntil: until)]
    }

    package func endWrapUp(now: Timestamp) -> [AgentEvent] {
        guard duty.queuecall.isNone, let until = duty.wrapUpUntil, until <= now else { return [] }
        return [.wrappedUp]
    }
}

extension Agent.Duty {
    /// Only what is not as in an agent of earlier versions. `impliedSince`: what no `tm_available` stands for.
    func append(to object: inout JSONObject, impliedSince: Timestamp?) {
        if !queuecall.isNone { object.append("queuecall_id", .id(queuecall)) }
        if !leg.isNone { object.append("leg_id", .id(leg)) }
        if let wish { object.append("next_status", .string(wish.rawValue)) }
        if let wrapUpUntil { object.append("wrap_up_until", .time(wrapUpUntil)) }
        if let availableSince, availableSince != impliedSince { object.append("tm_available", .time(availableSince)) }
        if let rungAt { object.append("tm_rung", .time(rungAt)) }
        if let missedAt { object.append("tm_missed", .time(missedAt)) }
    }

    init(json: JSONValue) {
        queuecall = json["queuecall_id"].id ?? .none
        leg = json["leg_id"].id ?? .none
        wish = json["next_status"].string.flatMap(Agent.Status.init(rawValue:))
        wrapUpUntil = json.optionalTime("wrap_up_until")
        availableSince = json.optionalTime("tm_available")
        rungAt = json.optionalTime("tm_rung")
        missedAt = json.optionalTime("tm_missed")
    }
}
