import Contracts
import TestSupport
import Testing

@Suite struct MessageTests {
    static let command = DialCommand(
        attempt: id(1),
        call: id(2),
        campaign: id(3),
        run: 4,
        customer: id(5),
        target: id(6),
        source: nil,
        destination: tel("+15550000001"),
        destinationIndex: 1,
        tryCount: 2,
        dialTimeout: 30_000,
        maximumTalkTime: 60_000,
        startBy: moment(5)
    )

    @Test func `items of every kind survive the wire, in order`() throws {
        let bodies: [Item.Body] =
            [
                .dial(Self.command), .cancel(campaign: id(3), run: 4), .settle(attempt: id(1)), .hangup(attempt: id(2)),
                .workerStatus(
                    WorkerStatus(
                        worker: "1",
                        journal: id(9),
                        process: id(8),
                        route: "default",
                        channels: 10,
                        free: 3,
                        version: "x",
                        sequence: 7,
                        isLeaving: true
                    )
                ),
                .attemptRefused(attempt: id(1), reason: "late", journal: id(9), sequence: 3),
                .settled(attempt: id(1), state: .refused, journal: id(9)),
                .attemptFinished(
                    AttemptFinished(
                        attempt: id(1),
                        target: id(6),
                        outdial: id(7),
                        outcome: .notPlaced,
                        result: "fail",
                        reason: "not_dialed",
                        endedAt: moment(9)
                    )
                ),
                .claimReleased(outdial: id(7), campaign: id(3), run: 4),
                .outdialReady(outdial: id(7), campaign: id(3), run: 4),
                .outdialExhausted(outdial: id(7), campaign: id(3), run: 4),
                .planChanged(
                    outdial: id(7),
                    campaign: id(3),
                    run: 4,
                    plan: DialPlan(maximumTries: [1, 2, 3, 4, 5], tryInterval: 6)
                ),
            ] + FlowMessages.bodies
        let items = bodies.enumerated().map { Item(id: id(UInt64(100 + $0)), correlation: id(50), body: $1) }
        #expect(try Item.items(of: Item.message(items)) == items)
    }

    @Test func `a call event survives as a CloudEvent`() throws {
        let event = CallEvent(
            id: id(1),
            kind: .hangup,
            source: "dialer-worker/1",
            time: moment(3),
            customer: id(5),
            call: id(2),
            attempt: id(1),
            journal: id(9),
            sequence: 12,
            correlation: id(50),
            causation: id(51),
            hangupReason: "busy",
            hangupBy: "remote"
        )
        let json = try JSONValue(parsing: event.json.bytes)
        #expect(json["specversion"] == "1.0")
        #expect(try CallEvent(json: json, receivedAt: moment(0)) == event)
    }

    @Test func `of a batch only the bad documents are rejected, and a batch has its size`() throws {
        let good: JSONValue = ["type": "call_ringing", "data": ["id": .id(id(2))]]
        let bad: JSONValue = ["type": "call_singing", "data": ["id": .id(id(3))]]
        let reading = try CallEvent.read(.array([good, bad, good]), receivedAt: moment(7))
        #expect(reading.events.map(\.kind) == [.ringing, .ringing])
        #expect(reading.rejected.map(\.document) == [bad])
        for batch in [[], [bad], Array(repeating: good, count: 1001)] {
            #expect(throws: JSONError.self) { try CallEvent.read(.array(batch), receivedAt: moment(7)) }
        }
    }

    @Test func `the bare form of other engines is read`() throws {
        let json: JSONValue = [
            "type": "call_hangup", "publisher": "call-manager", "data_type": "application/json",
            "data": ["id": .id(id(2)), "status": "hangup", "hangup_reason": "noanswer"],
        ]
        let event = try CallEvent(json: json, receivedAt: moment(7))
        #expect(event.id == nil)
        #expect(event.call == id(2))
        #expect(event.time == moment(7))
        #expect(HangupReason(reported: event.hangupReason) == .noAnswer)
    }

    @Test func `requests and refusals survive`() throws {
        let request = Request(
            method: "campaign.get",
            customerID: id(5),
            actor: "accesskey:x",
            correlation: id(1),
            params: ["id": .id(id(2))]
        )
        #expect(try Request(json: try JSONValue(parsing: request.json.bytes)) == request)
        let refusal = Refusal.invalid("name", "is missing")
        #expect(try Reply(json: Reply.refused(refusal).json) == .refused(refusal))
    }
}
