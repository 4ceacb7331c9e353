import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import TestSupport
import Testing

/// Programs and activeflows in campaign-manager's turns.
@Suite struct FlowTurnTests {
    private static let talk: JSONValue = ["type": "talk", "option": ["text": "hello ${name}"]]
    private static let queue = id(40)

    /// A started campaign with `count` leases that were taken.
    private func started(
        _ harness: CampaignHarness,
        _ body: JSONObject,
        _ count: Int = 2
    ) throws -> (campaign: ID, leases: [Lease]) {
        let campaign = try harness.makeCampaign(body)
        return (campaign, try take(harness, try harness.start(campaign), count))
    }

    private func take(_ harness: CampaignHarness, _ requests: [LeaseRequest], _ count: Int) throws -> [Lease] {
        var leases = harness.leases(count)
        for index in leases.indices { leases[index].profile = TargetProfile(name: "Ann", variables: ["day": "Monday"]) }
        try harness.perform([.leased(try #require(requests.first), .leases(leases, isExhausted: false))])
        return leases
    }

    private func programs(_ items: [Item]) -> [Program] {
        items.compactMap { if case .program(let program) = $0.body { program } else { nil } }
    }

    private func dials(_ items: [Item]) -> [DialCommand] {
        items.compactMap { if case .dial(let dial) = $0.body { dial } else { nil } }
    }

    @Test func aWorkerIsGivenTheProgramOnceAndBeforeTheFirstDial() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["name": "spring", "actions": [Self.talk]], 3)
        let items = try harness.items()
        let program = try #require(programs(items).first)
        #expect(programs(items).count == 1)
        #expect(items.map(\.kind).filter { ["program", "dial"].contains($0) } == ["program", "dial", "dial", "dial"])
        #expect(dials(items).allSatisfy { $0.program == program.id && $0.profile.name == "Ann" })
        #expect(program.variables == ["voipbin.campaign.name": "spring"])
        // What its worker needs is not kept in the row.
        #expect(try harness.call(leases[0].attempt)?.assignment.profile == .empty)
        #expect(try harness.verify() == [])
    }

    @Test func aPlainCampaignHasNoProgramAndAsksForNoProfiles() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign()
        let requests = try harness.start(campaign)
        #expect(requests.map(\.needsProfile) == [false])
        _ = try take(harness, requests, 1)
        let items = try harness.items()
        #expect(programs(items).isEmpty)
        let dial = try #require(dials(items).first)
        #expect(dial.program.isNone && dial.profile == .empty && dial.kind == .call)
    }

    @Test func theQueueJoinsAtTheEndAndFlowsComeWithTheirOwn() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        try harness.request("queue.create", ["id": .id(Self.queue), "body": [:]])
        for (flow, inner) in [(id(52), []), (id(51), [fetch(52), fetch(51)]), (id(50), [fetch(51), fetch(53)])] {
            try harness.request("flow.create", ["id": .id(flow), "body": ["actions": .array(inner)]])
        }
        let campaign = try harness.campaign(
            try harness.makeCampaign(["flow_id": .id(id(50)), "queue_id": .id(Self.queue)])
        )
        let program = try ProgramSource(campaign) { flow in
            try harness.reader.read { try CampaignTables.flows.load(flow, in: $0)?.state.settings.actions }
        }
        #expect(program.actions.compactMap { $0["type"].string } == ["fetch_flow", "fetch_flow", "queue_join"])
        #expect(program.actions.last?["option"]["queue_id"].id == Self.queue)
        #expect(Set(program.flows.keys) == [id(51), id(52)])
    }

    @Test func anEditedFlowIsForDialsThatComeAfterwardsThoughProgramsAreKept() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        try harness.request("flow.create", ["id": .id(id(51)), "body": ["actions": [Self.talk]]])
        try harness.request("flow.create", ["id": .id(id(50)), "body": ["actions": [fetch(51), fetch(52)]]])
        let (campaign, _) = try started(harness, ["flow_id": .id(id(50))], 1)
        func next() throws {
            let effects = try harness.tell(.outdialReady(outdial: CampaignHarness.outdial, campaign: campaign, run: 1))
            let requests = effects.compactMap { if case .lease(let request) = $0 { request } else { nil } }
            _ = try take(harness, requests, 1)
        }
        try next()
        #expect(programs(try harness.items()).count == 1)
        // One that it names, one that was not there before, and the one that the campaign names.
        try harness.request("flow.update", ["id": .id(id(51)), "body": ["actions": [["type": "beep"]]]])
        try next()
        #expect(programs(try harness.items()).last?.flows[id(51)]?.first?["type"] == "beep")
        try harness.request("flow.create", ["id": .id(id(52)), "body": ["actions": [Self.talk]]])
        try next()
        #expect(programs(try harness.items()).last?.flows.keys.sorted() == [id(51), id(52)])
        try harness.request("flow.update", ["id": .id(id(50)), "body": ["actions": [Self.talk]]])
        try next()
        #expect(programs(try harness.items()).last?.flows.isEmpty == true)
        #expect(programs(try harness.items()).count == 4)
    }

    @Test func aProgramThatIsTooLargeIsRefusedWhereItIsMadeAndWhereItIsStarted() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let text = String(repeating: "x", count: 10_000)
        // A little more than a third of what is allowed.
        let large: [JSONValue] = (0..<75).map { _ in ["type": "talk", "option": ["text": .string(text)]] }
        func make(_ flow: UInt64, _ actions: [JSONValue]) throws {
            let id: JSONValue = .id(id(flow))
            try harness.request("flow.create", ["id": id, "body": ["actions": .array(actions)]])
        }
        func refusal(_ work: () throws -> Void) -> Refusal? { #expect(throws: Refusal.self, performing: work) }
        for flow in UInt64(51)...53 { try make(flow, large) }
        let flow = refusal { try make(60, [fetch(51), fetch(52), fetch(53)]) }
        #expect(flow?.status == .invalidArgument && flow?.message.contains("actions") == true)
        let campaign = refusal { _ = try harness.makeCampaign(["actions": .array(large + [fetch(51), fetch(52)])]) }
        #expect(campaign?.status == .invalidArgument && campaign?.message.contains("actions") == true)
        // What grows without the campaign's doing shows at its start.
        try make(61, [fetch(51), fetch(54)])
        let started = try harness.makeCampaign(["flow_id": .id(id(61))])
        try make(54, large + [fetch(55)])
        try make(55, large)
        #expect(refusal { _ = try harness.start(started) }?.reason == "PROGRAM_TOO_LARGE")
        let named = refusal { _ = try harness.makeCampaign(["flow_id": .id(id(61))]) }
        #expect(named?.status == .invalidArgument && named?.message.contains("flow_id") == true)
    }

    private func fetch(_ flow: UInt64) -> JSONValue { ["type": "fetch_flow", "option": ["flow_id": .id(id(flow))]] }

    @Test func editedActionsAreForDialsThatComeAfterwards() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (campaign, first) = try started(harness, ["actions": [Self.talk]], 1)
        harness.now = moment(1)
        try harness.request("campaign.actions", ["id": .id(campaign), "body": ["actions": [["type": "beep"]]]])
        let effects = try harness.tell(.outdialReady(outdial: CampaignHarness.outdial, campaign: campaign, run: 1))
        let requests = effects.compactMap { if case .lease(let request) = $0 { request } else { nil } }
        let second = try take(harness, requests, 1)
        let items = try harness.items()
        let programs = programs(items)
        #expect(programs.count == 2)
        let byAttempt = Dictionary(uniqueKeysWithValues: dials(items).map { ($0.attempt, $0.program) })
        #expect(byAttempt[first[0].attempt] == programs[0].id && byAttempt[second[0].attempt] == programs[1].id)
        // Back again, the journal has it already.
        try harness.request("campaign.actions", ["id": .id(campaign), "body": ["actions": [Self.talk]]])
        #expect(try harness.worker()?.programs == programs.map(\.id))
        #expect(try harness.verify() == [])
    }

    @Test func aJournalThatLacksItsProgramIsGivenItAgain() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["actions": [Self.talk]], 1)
        _ = try harness.tell(
            .attemptRefused(
                attempt: leases[0].attempt,
                reason: Item.programMissing,
                journal: CampaignHarness.journal,
                sequence: 2
            )
        )
        #expect(programs(try harness.items()).count == 2)
        #expect(try harness.call(leases[0].attempt)?.outcome == .notPlaced)
    }

    @Test func campaignsOfEveryTypeStartWhenTheyHaveSomethingToDo() throws {
        for kind in ["flow", "message", "email"] {
            let harness = try CampaignHarness()
            try harness.hearWorker()
            let empty = try harness.makeCampaign(["type": .string(kind)])
            let refusal = #expect(throws: Refusal.self) { _ = try harness.start(empty) }
            #expect(refusal?.reason == "ACTIONS_MISSING")
            let (_, leases) = try started(harness, ["type": .string(kind), "actions": [Self.talk]], 1)
            #expect(dials(try harness.items()).map(\.kind.rawValue) == [kind])
            #expect(try harness.call(leases[0].attempt)?.resource["reference_type"].string == kind)
        }
    }

    // MARK: - Activeflows

    private func progress(
        _ attempt: ID,
        _ status: FlowProgress.Status,
        _ executed: [String],
        current: String? = nil,
        sequence: Int64
    ) -> Item.Body {
        .flowProgress(
            FlowProgress(
                attempt: attempt,
                activeflow: .activeflow(of: attempt),
                status: status,
                current: current.map { ExecutedAction(id: .none, type: $0, at: moment(2)) },
                executed: executed.map { ExecutedAction(id: .none, type: $0, at: moment(2)) },
                at: moment(2),
                journal: CampaignHarness.journal,
                sequence: sequence
            )
        )
    }

    private func activeflow(_ harness: CampaignHarness, _ attempt: ID) throws -> Activeflow? {
        try harness.reader.read { try CampaignTables.activeflows.load(.activeflow(of: attempt), in: $0)?.state }
    }

    @Test func aRunIsToldStepByStepAndOlderNewsIsNone() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["actions": [Self.talk]], 1)
        let attempt = leases[0].attempt
        try harness.report(.progressing, leases[0])
        _ = try harness.tell(progress(attempt, .running, [], current: "talk", sequence: 5))
        #expect(try activeflow(harness, attempt)?.current?.type == "talk")
        _ = try harness.tell(progress(attempt, .running, ["talk"], current: "beep", sequence: 6))
        _ = try harness.tell(progress(attempt, .running, [], current: "talk", sequence: 5))
        #expect(try activeflow(harness, attempt)?.current?.type == "beep")
        _ = try harness.tell(progress(attempt, .ended, ["beep"], sequence: 7))
        let run = try #require(try activeflow(harness, attempt))
        #expect(run.status == .ended && run.executed.map(\.type) == ["talk", "beep"] && run.current == nil)
        #expect(try harness.call(attempt)?.resource["activeflow_id"].id == run.id)
        #expect(try harness.verify() == [])
    }

    @Test func reportsThatOvertakeEachOtherLoseNothingAndKeepTheirOrder() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["actions": [Self.talk]], 1)
        let attempt = leases[0].attempt
        try harness.report(.progressing, leases[0])
        let reports = [
            progress(attempt, .running, ["a", "b"], current: "c", sequence: 5),
            progress(attempt, .running, ["c"], current: "d", sequence: 7),
            progress(attempt, .running, ["d", "e"], current: "f", sequence: 9),
            progress(attempt, .ended, ["f"], sequence: 12),
        ]
        for index in [2, 0, 2, 3, 0, 1, 3, 1] {
            _ = try harness.tell(reports[index])
            if index < 3, let run = try activeflow(harness, attempt), run.status == .running {
                #expect(run.current?.type == "f")
            }
        }
        let run = try #require(try activeflow(harness, attempt))
        #expect(run.executed.map(\.type) == ["a", "b", "c", "d", "e", "f"])
        #expect(run.status == .ended && run.current == nil && run.sequence == 12)
        #expect(try harness.verify() == [])
    }

    @Test func ofAThousandActionsTheLastOnesAreKeptWhateverTheirOrder() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["actions": [Self.talk]], 1)
        let attempt = leases[0].attempt
        try harness.report(.progressing, leases[0])
        let names = (0..<1_200).map { "action \($0)" }
        for (place, sequence) in [(2, Int64(7)), (0, 5), (1, 6), (0, 5)] {
            let slice = Array(names[place * 400..<place * 400 + 400])
            _ = try harness.tell(progress(attempt, .running, slice, sequence: sequence))
        }
        #expect(try activeflow(harness, attempt)?.executed.map(\.type) == Array(names.suffix(1_000)))
        #expect(try harness.verify() == [])
    }

    @Test func theEndOfACallEndsItsFlowAndWhatComesLateIsStillKept() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["actions": [Self.talk]], 2)
        for lease in leases { try harness.report(.progressing, lease) }
        _ = try harness.tell(progress(leases[0].attempt, .running, [], current: "talk", sequence: 5))
        for lease in leases { try harness.report(.hangup, lease, "normal") }
        #expect(try activeflow(harness, leases[0].attempt)?.status == .ended)
        _ = try harness.tell(progress(leases[0].attempt, .ended, ["talk"], sequence: 8))
        _ = try harness.tell(progress(leases[1].attempt, .running, [], current: "talk", sequence: 9))
        for lease in leases {
            #expect(try activeflow(harness, lease.attempt)?.status == .ended)
            #expect(try activeflow(harness, lease.attempt)?.current == nil)
        }
        #expect(try activeflow(harness, leases[0].attempt)?.executed.map(\.type) == ["talk"])
        #expect(try harness.verify() == [])
    }

    @Test func whoeverStopsARunHasItsWorkerToldOnce() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (_, leases) = try started(harness, ["actions": [Self.talk]], 1)
        try harness.report(.progressing, leases[0])
        _ = try harness.tell(progress(leases[0].attempt, .running, [], current: "talk", sequence: 5))
        let params: JSONValue = ["id": .id(.activeflow(of: leases[0].attempt))]
        for _ in 0..<2 { try harness.request("activeflow.stop", params) }
        let stops = try harness.items().filter { $0.kind == "stop_flow" }
        #expect(stops.map(\.body) == [.stopFlow(attempt: leases[0].attempt)])
        _ = try harness.tell(progress(leases[0].attempt, .ended, ["talk"], sequence: 6))
        #expect(throws: Refusal.self) { try harness.request("activeflow.stop", params) }
        #expect(throws: Refusal.self) { try harness.request("activeflow.stop", ["id": .id(id(77))]) }
    }
}
