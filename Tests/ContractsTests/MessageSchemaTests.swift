import Contracts
import TestSupport
import Testing

/// What is written is what `schemas/messages` says, kind by kind, the rare ones included.
@Suite struct MessageSchemaTests {
    private static let plan = DialPlan(
        maximumTries: [2, 1, 0, 0, 0],
        tryInterval: 60_000,
        hours: CallingHours(
            windows: [CallingWindow(weekdays: [1, 5], from: 540, to: 1440)],
            holidays: [CalendarDate(year: 2026, month: 12, day: 25)]
        ),
        minimumInterval: 5_000
    )

    private static let status = WorkerStatus(
        worker: "1",
        journal: id(9),
        process: id(8),
        route: "default",
        channels: 10,
        free: 3,
        version: "1",
        sequence: 17,
        isLeaving: true
    )

    private static let finished = AttemptFinished(
        attempt: id(1),
        target: id(2),
        outdial: id(3),
        outcome: .notPlaced,
        result: "fail",
        reason: "not_dialed",
        endedAt: moment(1)
    )

    private static let dial = DialCommand(
        attempt: id(1),
        call: id(2),
        campaign: id(3),
        run: 1,
        customer: id(4),
        target: id(5),
        source: tel("+15550000000"),
        destination: tel("+15550000001"),
        destinationIndex: 0,
        tryCount: 1,
        dialTimeout: 30_000,
        maximumTalkTime: 3_600_000,
        startBy: moment(30)
    )

    private static let bodies: [Item.Body] =
        [
            .dial(dial), .cancel(campaign: id(3), run: 1), .settle(attempt: id(1)), .hangup(attempt: id(1)),
            .workerStatus(status),
            .attemptRefused(attempt: id(1), reason: Item.cancelled, journal: id(9), sequence: 5),
            .settled(attempt: id(1), state: .claimed, journal: id(9)),
            .settled(attempt: id(1), state: .refused, journal: id(9)), .attemptFinished(finished),
            .claimReleased(outdial: id(3), campaign: id(4), run: 2),
            .planChanged(outdial: id(3), campaign: id(4), run: 2, plan: plan),
            .outdialReady(outdial: id(3), campaign: id(4), run: 2),
            .outdialExhausted(outdial: id(3), campaign: id(4), run: 2),
        ] + FlowMessages.bodies

    private func expect(_ document: JSONValue, _ schema: String) async throws {
        let problems = try await SchemaChecker.shared.problems(of: document, by: "messages/\(schema).json")
        #expect(problems.isEmpty, "\(schema): \(problems) in \(document.text)")
    }

    @Test func itemsOfEveryKind() async throws {
        let items = Self.bodies.map { Item(id: id(100), correlation: id(101), body: $0) }
        try await expect(["items": .array(items.map(\.json))], "items")
        for item in items { try await expect(item.json, "item.\(item.kind)") }
        let described = Set(try SchemaFiles.names(in: "messages").filter { $0.hasPrefix("item.") })
        #expect(described == Set(items.map { "item.\($0.kind)" }))
    }

    @Test func requestsAndReplies() async throws {
        let request = Request(
            method: "worker.register",
            customerID: .none,
            actor: "dialer-worker/1",
            correlation: id(1),
            params: Self.status.json
        )
        try await expect(request.json, "request")
        try await expect(request.params, "worker.register.params")
        try await expect(Reply.result([:]).json, "reply")
        try await expect(Reply.refused(.invalid("name", "is missing")).json, "reply")
        for status in Refusal.Status.allCases {
            try await expect(Reply.refused(Refusal(status, "REASON", "message")).json, "reply")
        }
    }

    @Test func commandsForOtherEngines() async throws {
        for case .dial(let command) in Self.bodies {
            try await expect(command.callDial(correlation: id(1), at: moment(1)), "call_dial")
        }
    }

    @Test func whatOtherEnginesMayReport() async throws {
        let events: [JSONValue] = [
            ["type": "call_hangup", "publisher": "acme", "data": ["id": .id(id(3)), "hangup_reason": "busy"]],
            ["type": "call_ringing", "data": ["attempt_id": .id(id(4))]],
            [
                "specversion": "1.0", "id": "4711/ringing", "source": "acme", "type": "call_ringing",
                "subject": .string("call/\(id(3))"), "data": [:],
            ],
        ]
        for event in events {
            try await expect(event, "foreign-call-event")
            let read = try CallEvent(json: event, receivedAt: moment(1))
            #expect(read.call == id(3) || read.attempt == id(4))
        }
        // An id that is no UUID is recognised again.
        let first = try CallEvent(json: events[2], receivedAt: moment(1))
        let again = try CallEvent(json: events[2], receivedAt: moment(2))
        #expect(first.id != nil && again.id == first.id)
    }

    @Test(arguments: CallEvent.Kind.allCases) func callEventsOfEveryKind(_ kind: CallEvent.Kind) async throws {
        for reason in HangupReason.allCases where kind == .hangup || reason == .normal {
            let event = CallEvent(
                id: id(1),
                kind: kind,
                source: "dialer-worker/1",
                time: moment(1),
                customer: id(2),
                call: id(3),
                attempt: id(4),
                journal: id(5),
                sequence: 9,
                correlation: id(6),
                hangupReason: reason.rawValue,
                hangupBy: "remote",
                digits: "12"
            )
            try await expect(event.json, kind.rawValue)
            try await expect(event.json, "foreign-call-event")
            try await expect(try JSONValue(parsing: CallEvent.message([event, event])), "call-events")
        }
    }

    @Test func aMemberThatIsNotDescribedIsFound() async throws {
        let item = Item(id: id(1), correlation: id(2), body: .settle(attempt: id(3)))
        guard case .object(var object) = item.json else { return }
        object.append("surprise", 1)
        let problems = try await SchemaChecker.shared.problems(of: .object(object), by: "messages/item.settle.json")
        #expect(problems.count == 1 && problems[0].message.contains("surprise"))
    }
}
