import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct QueuecallRulesTests {
    private static let journal = id(9)

    private func new(waitUntil: Timestamp? = nil) -> Queuecall.New {
        Queuecall.New(
            id: id(1),
            customer: id(3),
            queue: id(5),
            campaign: id(6),
            attempt: id(7),
            call: id(8),
            activeflow: id(10),
            journal: Self.journal,
            source: nil,
            destination: tel("+15550000001"),
            joinedAt: moment(0),
            waitUntil: waitUntil,
            createdAt: moment(0)
        )
    }

    private func queuecall(_ events: [QueuecallEvent] = [], waitUntil: Timestamp? = nil) throws -> Queuecall {
        try #require(given(Queuecall.self, Queuecall.create(new(waitUntil: waitUntil)) + events))
    }

    /// Rings agents 20, 21, … with the legs 30, 31, …
    private func connecting(_ count: Int = 1) -> QueuecallEvent {
        .connecting(
            QueuecallEvent.Ringing(
                attempt: id(7),
                journal: Self.journal,
                ringTimeout: 15_000,
                serviceTimeout: 0,
                legs: (0..<UInt64(count)).map {
                    QueuecallEvent.Ringing.Leg(id: id(30 + $0), agent: id(20 + $0), addresses: [], idle: 4_000)
                }
            )
        )
    }

    private func report(_ state: AgentLegReport.State, leg: UInt64 = 30, at seconds: Int = 5) -> AgentLegReport {
        AgentLegReport(
            attempt: id(7),
            queuecall: id(1),
            leg: id(leg),
            agent: id(leg - 10),
            state: state,
            at: moment(seconds),
            journal: Self.journal,
            sequence: 1
        )
    }

    private func apply(_ report: AgentLegReport, to queuecall: Queuecall, isFree: Bool = true) -> [QueuecallEvent] {
        queuecall.apply(report, isFree: isFree, wrapUp: 0)
    }

    @Test func `an agent answers, they talk, and it is done, with its times`() throws {
        let ringing = try queuecall([connecting()])
        #expect(ringing.status == .connecting)
        let answered = apply(report(.answered), to: ringing)
        #expect(answered == [.serviced(leg: id(30), agent: id(20), at: moment(5))])
        let talking = try queuecall([connecting()] + answered)
        #expect(talking.status == .service && talking.serviceAgent == id(20))
        // Rung at second 2.
        #expect(talking.waitingTime == 5_000 && talking.agentIdle == 4_000 && talking.ringing == 3_000)
        let over = apply(report(.ended, at: 65), to: talking)
        #expect(over == [.done(.served, at: moment(65), wrapUp: 0)])
        let done = try queuecall([connecting()] + answered + over)
        #expect(done.serviceTime == 60_000)
        #expect(done.resource["status"] == "done" && done.resource["duration_service"] == 60_000)
    }

    @Test(arguments: [AgentLegReport.State.noAnswer, .busy, .failed])
    func `an agent who does not answer gives way to the next, and is not rung at once again for this caller`(
        _ state: AgentLegReport.State
    ) throws {
        let events = apply(report(state), to: try queuecall([connecting()]))
        #expect(events == [.legEnded(leg: id(30), agent: id(20), result: state.rawValue), .waiting])
        let waiting = try queuecall([connecting()] + events)
        #expect(waiting.status == .waiting && waiting.legs.isEmpty)
        #expect(!waiting.mayRing(id(20), now: moment(4)))
        #expect(waiting.mayRing(id(21), now: moment(4)))
        let retry = try #require(waiting.nextRetry(after: moment(4)))
        #expect(waiting.mayRing(id(20), now: retry))
        #expect(waiting.deadline(retryAt: retry) == retry)
    }

    @Test func `the first of several who answers wins, and the ends of the others change nothing`() throws {
        let events: [QueuecallEvent] = [connecting(3), .legEnded(leg: id(31), agent: id(21), result: "no_answer")]
        let ringing = try queuecall(events)
        #expect(ringing.status == .connecting && ringing.legs.count == 2)
        let talking = try queuecall(events + apply(report(.answered, leg: 32), to: ringing))
        #expect(talking.serviceAgent == id(22) && talking.legs.isEmpty)
        #expect(apply(report(.ended), to: talking) == [])
        #expect(apply(report(.answered), to: talking) == [])
        #expect(apply(report(.ended, leg: 32), to: talking).count == 1)
    }

    @Test func `a caller who hangs up is abandoned while waiting or ringing, and done while talking`() throws {
        let abandoned = [QueuecallEvent.abandoned(.hangup, at: moment(9), attempt: id(7), journal: nil)]
        #expect(try queuecall().callOver(at: moment(9), wrapUp: 0) == abandoned)
        #expect(try queuecall([connecting()]).callOver(at: moment(9), wrapUp: 0) == abandoned)
        let talking = try queuecall([connecting(), .serviced(leg: id(30), agent: id(20), at: moment(3))])
        #expect(talking.callOver(at: moment(9), wrapUp: 5_000) == [.done(.hangup, at: moment(9), wrapUp: 5_000)])
        #expect(try queuecall(abandoned).callOver(at: moment(10), wrapUp: 0) == [])
    }

    @Test func `rings that end without a result wait for the end of the call, and are not tried for ever`() throws {
        let first = apply(report(.ended), to: try queuecall([connecting()]))
        #expect(first == [.legEnded(leg: id(30), agent: id(20), result: "ended"), .waiting])
        let once = try queuecall([connecting()] + first)
        #expect(once.misses.isEmpty && !once.mayRing(id(21), now: moment(4)))
        #expect(once.nextRetry(after: moment(4)) == moment(5))
        #expect(once.mayRing(id(20), now: moment(5)))
        let twice = try queuecall([connecting()] + first + [connecting()] + first)
        #expect(twice.status == .waiting)
        let thrice = apply(
            report(.ended),
            to: try queuecall([connecting()] + first + [connecting()] + first + [connecting()])
        )
        // The worker hears of it: should the caller be there all the same, the flow goes on.
        #expect(thrice.last == .abandoned(.hangup, at: moment(5), attempt: id(7), journal: Self.journal))
    }

    @Test func `an answer to what is over ends that leg, and one that was given up too early counts`() throws {
        let refused = [QueuecallEvent.legRefused(leg: id(30), agent: id(20), attempt: id(7), journal: Self.journal)]
        let abandoned = QueuecallEvent.abandoned(.waitTimeout, at: moment(4), attempt: id(7), journal: Self.journal)
        #expect(apply(report(.answered), to: try queuecall([connecting(), abandoned])) == refused)
        let givenUp = try queuecall([
            connecting(), .legEnded(leg: id(30), agent: id(20), result: "no_report"), .waiting,
        ])
        #expect(apply(report(.answered), to: givenUp) == [.serviced(leg: id(30), agent: id(20), at: moment(5))])
        #expect(apply(report(.answered), to: givenUp, isFree: false) == refused)
        // A leg that nobody rang.
        #expect(apply(report(.answered, leg: 31), to: try queuecall()) != [])
        #expect(apply(report(.noAnswer, leg: 31), to: try queuecall([connecting()])) == [])
    }

    @Test func `who has waited long enough leaves, but not while an agent rings`() throws {
        let waiting = try queuecall(waitUntil: moment(30))
        #expect(waiting.due(now: moment(29)) == [])
        let left = [QueuecallEvent.abandoned(.waitTimeout, at: moment(30), attempt: id(7), journal: Self.journal)]
        #expect(waiting.due(now: moment(30)) == left)
        let ringing = try queuecall([connecting()], waitUntil: moment(10))
        #expect(ringing.due(now: moment(20)) == [])
        // Rung at second 2 for 15 s, and 10 s for the way of the news.
        #expect(ringing.deadline(retryAt: nil) == moment(27))
        #expect(
            ringing.due(now: moment(27)) == [.legEnded(leg: id(30), agent: id(20), result: "no_report"), .waiting]
        )
        #expect(try queuecall(waitUntil: nil).deadline(retryAt: nil) == nil)
    }

    @Test func `somebody who waits can be sent away, somebody who talks cannot`() throws {
        #expect(try queuecall().kick(now: moment(5)).count == 1)
        #expect(throws: Refusal.self) { try queuecall([connecting()]).kick(now: moment(5)) }
        let talking = try queuecall([connecting(), .serviced(leg: id(30), agent: id(20), at: moment(3))])
        #expect(throws: Refusal.self) { try talking.kick(now: moment(5)) }
        let gone = try queuecall([.abandoned(.hangup, at: moment(4), attempt: id(7), journal: nil)])
        #expect(throws: Refusal.self) { try gone.kick(now: moment(5)) }
        #expect(try queuecall().queueDeleted(now: moment(5)).count == 1)
        #expect(talking.queueDeleted(now: moment(5)) == [])
    }

    @Test func `every state and event survives its stored form`() throws {
        let events: [QueuecallEvent] = [
            .created(new(waitUntil: moment(30))), .waiting, connecting(2),
            .legEnded(leg: id(31), agent: id(21), result: "busy"), .serviced(leg: id(30), agent: id(20), at: moment(4)),
            .legRefused(leg: id(31), agent: id(21), attempt: id(7), journal: Self.journal),
            .done(.served, at: moment(9), wrapUp: 3_000),
            .abandoned(.kicked, at: moment(9), attempt: id(7), journal: Self.journal),
            .abandoned(.hangup, at: moment(9), attempt: id(7), journal: nil),
        ]
        for count in 1...events.count {
            let event = events[count - 1]
            #expect(try QueuecallEvent(type: event.type, schema: 1, json: event.json) == event)
            let state = try #require(given(Queuecall.self, Array(events.prefix(count))))
            #expect(try Queuecall(json: state.json) == state)
        }
    }

    // MARK: - The choice of agents

    private func queue(_ method: String, tags: [ID] = []) throws -> Queue {
        let fields: JSONValue = ["routing_method": .string(method), "tag_ids": .array(tags.map { .id($0) })]
        return try #require(given(Queue.self, Queue.create(id: id(5), customer: id(3), body: try body(fields))))
    }

    private func candidate(_ number: UInt64, since: Int = 0, rung: Int? = nil, missed: Int? = nil) -> Queue.Candidate {
        Queue.Candidate(
            id: id(number),
            availableSince: moment(since),
            rungAt: rung.map(moment),
            missedAt: missed.map(moment)
        )
    }

    @Test(arguments: ["", "longest_idle", "ringall"]) func `the longest idle is first, who let one ring out last`(
        _ method: String
    ) throws {
        let agents = [candidate(1, since: 0, missed: 9), candidate(2, since: 5), candidate(3, since: 4)]
        #expect(try queue(method).order(agents, draw: 0).map(\.id) == [id(3), id(2), id(1)])
    }

    @Test func `round robin takes who was rung longest ago, chance takes what is drawn`() throws {
        let agents = [candidate(1, rung: 5), candidate(2), candidate(3, rung: 4), candidate(4, missed: 1)]
        #expect(try queue("round_robin").order(agents, draw: 0).map(\.id) == [id(2), id(3), id(1), id(4)])
        let random = try queue("random")
        let firsts = (0..<200).map { random.order(agents, draw: $0).first?.id ?? .none }
        #expect(Set(firsts) == [id(1), id(2), id(3)])
        #expect(random.order(agents, draw: 7) == random.order(agents.reversed(), draw: 7))
    }

    @Test func `several ring at once for one caller only where the queue says so, and callers share them`() throws {
        #expect(try queue("").ringsAtOnce(agents: 9, waiting: 1) == 1)
        #expect(try queue("ringall").ringsAtOnce(agents: 9, waiting: 1) == 9)
        #expect(try queue("ringall").ringsAtOnce(agents: 9, waiting: 4) == 2)
        #expect(try queue("ringall").ringsAtOnce(agents: 2, waiting: 4) == 1)
    }
}
