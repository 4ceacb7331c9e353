import Contracts
import TestSupport
import Testing

/// Items about flows, queues and agents, with everything in them that can be there.
enum FlowMessages {
    private static let talk: JSONValue = [
        "id": .id(.none), "next_id": .id(.none), "type": "talk", "option": ["text": "hello ${name}"],
    ]

    static let program = Program(
        id: id(20),
        actions: [talk],
        flows: [id(22): [talk, talk], id(21): []],
        variables: ["voipbin.campaign.name": "spring"]
    )

    static let profile = TargetProfile(
        name: "Ann",
        detail: "a customer",
        data: "{}",
        variables: ["day": "Monday", "city": "Rome"]
    )

    private static let dial = DialCommand(
        attempt: id(1),
        call: id(2),
        campaign: id(3),
        run: 1,
        customer: id(4),
        target: id(5),
        source: nil,
        destination: tel("+15550000001"),
        destinationIndex: 0,
        tryCount: 1,
        dialTimeout: 30_000,
        maximumTalkTime: 3_600_000,
        startBy: moment(30),
        kind: .message,
        program: id(20),
        outdial: id(6),
        profile: profile
    )

    private static let action = ExecutedAction(id: id(30), type: "talk", at: moment(1), result: "spoken")

    static let bodies: [Item.Body] =
        [
            .dial(dial), .program(program), .program(Program(id: id(20), actions: [])),
            .ringAgent(
                AgentRing(
                    attempt: id(1),
                    queuecall: id(7),
                    leg: id(8),
                    agent: id(9),
                    addresses: [tel("+15550000009")],
                    ringTimeout: 20_000,
                    serviceTimeout: 0
                )
            ),
            .ringAgent(
                AgentRing(
                    attempt: id(1),
                    queuecall: id(7),
                    leg: id(8),
                    agent: id(9),
                    addresses: [],
                    ringTimeout: 20_000,
                    serviceTimeout: 0,
                    ringBy: moment(5)
                )
            ),
            .leaveQueue(attempt: id(1), queuecall: id(7), reason: "wait_timeout"), .stopFlow(attempt: id(1)),
            .queueJoined(
                QueueEntry(attempt: id(1), queuecall: id(7), queue: id(6), at: moment(2), journal: id(5), sequence: 9)
            ),
            .flowProgress(progress(.running, action)), .flowProgress(progress(.ended, nil)),
            .optOut(
                OptOut(
                    attempt: id(1),
                    target: id(5),
                    outdial: id(6),
                    customer: id(4),
                    number: "+15550000001",
                    reason: "flow"
                )
            ),
        ]
        + AgentLegReport.State.allCases.map { state in
            .agentLeg(
                AgentLegReport(
                    attempt: id(1),
                    queuecall: id(7),
                    leg: id(8),
                    agent: id(9),
                    state: state,
                    at: moment(3),
                    journal: id(5),
                    sequence: 10
                )
            )
        }

    private static func progress(_ status: FlowProgress.Status, _ current: ExecutedAction?) -> FlowProgress {
        FlowProgress(
            attempt: id(1),
            activeflow: .activeflow(of: id(1)),
            status: status,
            current: current,
            executed: [action, ExecutedAction(id: .none, type: "stop", at: moment(2))],
            at: moment(2),
            journal: id(5),
            sequence: 8
        )
    }
}

@Suite struct FlowMessageTests {
    @Test func whatEarlierVersionsWroteIsReadAndPlainCallsAreWrittenAsBefore() throws {
        let command = MessageTests.command
        let names = try #require(command.json.object).members.map(\.name)
        #expect(names.last == "start_by" && !names.contains("kind"))
        #expect(try DialCommand(json: command.json) == command)
        let lease = Lease(
            attempt: id(1),
            target: id(2),
            destination: tel("+15550000001"),
            destinationIndex: 0,
            tryCount: 1
        )
        #expect(try Lease(json: lease.json).profile == .empty)
        #expect(try #require(lease.json.object).members.count == 5)
        var full = lease
        full.profile = FlowMessages.profile
        full.startBy = id(1).moment
        #expect(try Lease(json: full.json) == full)
    }

    @Test func oneProgramHasOneText() {
        let text = FlowMessages.program.json.text
        for _ in 0..<20 {
            let flows = Dictionary(uniqueKeysWithValues: FlowMessages.program.flows.shuffled())
            var again = FlowMessages.program
            again.flows = flows
            #expect(again.json.text == text)
        }
    }

    @Test func idsThatFollowFromAnAttemptDiffer() {
        let attempt = id(1)
        let ids: Set<ID> = [
            attempt, .activeflow(of: attempt), .queuecall(of: attempt, entry: 0), .queuecall(of: attempt, entry: 1),
        ]
        #expect(ids.count == 4)
    }
}
