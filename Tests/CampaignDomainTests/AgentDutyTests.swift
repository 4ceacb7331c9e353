import CampaignDomain
import Contracts
import TestSupport
import Testing

/// What calls of queues make of an agent's status.
@Suite struct AgentDutyTests {
    private static let admin = Actor(permission: .projectSuperAdmin)
    private static let ring = AgentEvent.rung(queuecall: id(1), leg: id(2))
    private static let connect = AgentEvent.connected(queuecall: id(1))

    private func agent(_ events: AgentEvent...) throws -> Agent { try agent(events) }

    private func agent(_ events: [AgentEvent]) throws -> Agent {
        let created = try Agent.create(
            id: id(7),
            customer: id(3),
            body: try body(["username": "ann", "status": "available"]),
            passwordHash: "h",
            by: Self.admin
        )
        return try #require(given(Agent.self, created + events))
    }

    private func set(_ status: String, _ agent: Agent) throws -> [AgentEvent] {
        try agent.setStatus(body: try body(["status": .string(status)]), by: Self.admin)
    }

    @Test func `an agent rings, talks, wraps up and is available again`() throws {
        #expect(try agent().ring(queuecall: id(1), leg: id(2)) == [Self.ring])
        let ringing = try agent(Self.ring)
        #expect(ringing.status == .ringing && !ringing.canBeRung)
        #expect(ringing.ring(queuecall: id(9), leg: id(8)) == [])
        #expect(ringing.connect(leg: id(2)) == [Self.connect])
        #expect(ringing.connect(leg: id(3)) == [])
        let busy = try agent(Self.ring, Self.connect)
        #expect(busy.status == .busy)
        let released = busy.release(leg: id(2), missed: false, wrapUpTime: 5_000, now: moment(10))
        #expect(released == [.released(queuecall: id(1), missed: false, wrapUpUntil: moment(15))])
        let wrapping = try agent([Self.ring, Self.connect] + released)
        #expect(wrapping.status == .busy && wrapping.duty.wrapUpUntil == moment(15) && !wrapping.canBeRung)
        #expect(wrapping.endWrapUp(now: moment(14)) == [])
        #expect(wrapping.endWrapUp(now: moment(15)) == [.wrappedUp])
        let again = try agent([Self.ring, Self.connect] + released + [.wrappedUp])
        #expect(again.canBeRung && again.duty.availableSince == moment(4))
        // Without a time for it the agent is available at once.
        let quick = busy.release(leg: id(2), missed: false, wrapUpTime: 0, now: moment(10))
        #expect(try agent([Self.ring, Self.connect] + quick).canBeRung)
        #expect(busy.release(leg: id(4), missed: false, wrapUpTime: 0, now: moment(10)) == [])
    }

    @Test func `a call that an agent does not take leaves the place in line, and puts who let it ring behind`() throws {
        let released = try agent(Self.ring).release(leg: id(2), missed: false, wrapUpTime: 5_000, now: moment(10))
        let free = try agent([Self.ring] + released)
        #expect(free.status == .available && free.duty.availableSince == moment(0) && free.duty.missedAt == nil)
        let missed = try agent([Self.ring] + [.released(queuecall: id(1), missed: true, wrapUpUntil: nil)])
        #expect(missed.canBeRung && missed.duty.missedAt == moment(2))
        // Taking a call, or saying their status, mends it.
        let events: [AgentEvent] = [Self.ring, .released(queuecall: id(1), missed: true, wrapUpUntil: nil)]
        #expect(try agent(events + [Self.ring, Self.connect]).duty.missedAt == nil)
        #expect(try agent(events + [.statusUpdated(.away), .statusUpdated(.available)]).duty.missedAt == nil)
    }

    @Test(arguments: ["away", "offline"]) func `who goes during a call is gone after it`(_ status: String) throws {
        for events in [[Self.ring], [Self.ring, Self.connect]] {
            let during = try agent(events)
            let wished = try set(status, during)
            #expect(wished == [.wished(Agent.Status(rawValue: status))])
            let waiting = try agent(events + wished)
            #expect(waiting.status == during.status)
            #expect(waiting.resource["next_status"] == .string(status))
            #expect(try set(status, waiting) == [])
            let released = waiting.release(leg: id(2), missed: false, wrapUpTime: 5_000, now: moment(9))
            let gone = try agent(events + wished + released)
            #expect(gone.status.rawValue == status && gone.duty.wrapUpUntil == nil && !gone.canBeRung)
            // They may think better of it.
            let back = try agent(events + wished + (try set("available", waiting)))
            #expect(back.duty.wish == nil)
        }
        #expect(try set("available", try agent(Self.ring)) == [])
        #expect(try set("ringing", try agent(Self.ring)) == [])
    }

    @Test func `a wrap-up ends early when the agent says so`() throws {
        let events: [AgentEvent] = [
            Self.ring, Self.connect, .released(queuecall: id(1), missed: false, wrapUpUntil: moment(60)),
        ]
        let wrapping = try agent(events)
        for status in ["available", "away", "busy"] {
            let agent = try agent(events + (try set(status, wrapping)))
            #expect(agent.status.rawValue == status && agent.duty.wrapUpUntil == nil)
            #expect(agent.endWrapUp(now: moment(61)) == [])
        }
    }

    @Test func `an agent who talks unexpectedly is busy, unless they have another call`() throws {
        #expect(try agent().connectLate(queuecall: id(1), leg: id(2)) == [Self.ring, Self.connect])
        let away = try agent(.statusUpdated(.away)).connectLate(queuecall: id(1), leg: id(2))
        #expect(away == [Self.ring, Self.connect, .wished(.away)])
        #expect(try agent(Self.ring).connectLate(queuecall: id(5), leg: id(6)) == [])
    }

    @Test func `every state and event survives its stored form`() throws {
        let events: [AgentEvent] = [
            Self.ring, .wished(.away), .wished(nil), Self.connect,
            .released(queuecall: id(1), missed: true, wrapUpUntil: moment(60)), .wrappedUp,
        ]
        for count in 1...events.count {
            let event = events[count - 1]
            #expect(try AgentEvent(type: event.type, schema: 1, json: event.json) == event)
            let state = try agent(Array(events.prefix(count)))
            #expect(try Agent(json: state.json) == state)
        }
    }
}
