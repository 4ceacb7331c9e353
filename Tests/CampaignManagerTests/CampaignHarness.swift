import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport

/// Campaign-manager's turn on a real log, without threads or bus: every call is one turn, effects are collected.
final class CampaignHarness {
    let directory: TemporaryDirectory
    let file: EventLogFile
    let turn: CampaignTurn
    var ids = IDGenerator(seed: 5)
    var now = moment(0)
    let collected = Locked<[CampaignEffect]>([])

    static let customer = id(3)
    static let outdial = id(2)
    static let journal = id(9)

    init(_ change: (inout CampaignTurn.Settings) -> Void = { _ in }) throws {
        directory = try TemporaryDirectory()
        file = try EventLogFile.open(path: directory.file("log.db"), schema: CampaignTables.schema, now: now)
        var settings = CampaignTurn.Settings()
        settings.settleTimeout = 30_000
        change(&settings)
        turn = CampaignTurn(settings: settings)
    }

    /// Runs one turn and answers with what it wants done.
    @discardableResult
    func perform(_ inputs: [CampaignInput]) throws -> [CampaignEffect] {
        collected.value = []
        _ = try file.perform(now: now, ids: &ids, dueUpTo: now) { [turn, collected] in
            try turn.run($0, inputs) { effects in collected.withLock { $0 += effects } }
        }
        return collected.value
    }

    /// A request that changes nothing, for ``CampaignReads``.
    static func reading(_ method: String, of id: ID) -> Request {
        Request(
            method: method,
            customerID: customer,
            actor: "test",
            correlation: CampaignHarness.outdial,
            params: ["id": .id(id)]
        )
    }

    func request(
        _ method: String,
        _ params: JSONValue,
        key: IdempotencyKey? = nil,
        as input: (Request, @escaping @Sendable (Reply) -> Void) -> CampaignInput
    ) throws -> JSONValue {
        let reply = Locked<Reply?>(nil)
        let request = Request(
            method: method,
            customerID: Self.customer,
            actor: "test",
            correlation: ids.next(at: now),
            params: params,
            idempotency: key
        )
        try perform([input(request) { answer in reply.value = answer }])
        guard let answer = reply.value else { throw Refusal.state("no answer") }
        return try answer.get()
    }

    @discardableResult
    func request(_ method: String, _ params: JSONValue, key: IdempotencyKey? = nil) throws -> JSONValue {
        try request(method, params, key: key) { .request($0, answer: $1) }
    }

    /// A campaign with its outplan, stopped.
    func makeCampaign(_ body: JSONObject = [:], plan: JSONObject = ["max_try_count_0": 2]) throws -> ID {
        let (campaign, outplan) = (ids.next(at: now), ids.next(at: now))
        try request("outplan.create", ["id": .id(outplan), "body": .object(plan)])
        var body = body
        body["outplan_id"] = .id(outplan)
        body["outdial_id"] = .id(Self.outdial)
        try request("campaign.create", ["id": .id(campaign), "body": .object(body)])
        return campaign
    }

    /// Both halves of a start, the claim granted; answers with the lease requests that follow.
    func start(_ campaign: ID) throws -> [LeaseRequest] {
        let claim = try request("campaign.status", ["id": .id(campaign)]) { .prepareStart($0, answer: $1) }
        let run = try claim.requireInteger("run")
        _ = try request("campaign.status", ["id": .id(campaign)]) { .start($0, run: run, answer: $1) }
        return collected.value.compactMap { if case .lease(let request) = $0 { request } else { nil } }
    }

    func tell(_ body: Item.Body, id: ID? = nil) throws -> [CampaignEffect] {
        let item = Item(id: id ?? ids.next(at: now), correlation: self.ids.next(at: now), body: body)
        return try perform([.message(.items([item]), acknowledge: {})])
    }

    @discardableResult
    func hearWorker(channels: Int = 10, sequence: Int64 = 1) throws -> [CampaignEffect] {
        try tell(.workerStatus(status(channels: channels, sequence: sequence)))
    }

    func status(channels: Int = 10, sequence: Int64 = 1) -> WorkerStatus {
        WorkerStatus(
            worker: "1",
            journal: Self.journal,
            process: id(8),
            route: "default",
            channels: channels,
            free: channels,
            version: "1",
            sequence: sequence,
            isLeaving: false
        )
    }

    func worker() throws -> CampaignDomain.Worker? {
        try reader.read { try CampaignTables.workers.load(Self.journal, in: $0)?.state }
    }

    func leases(_ count: Int) -> [Lease] {
        (0..<count).map { _ in
            Lease(
                attempt: ids.next(at: now),
                target: ids.next(at: now),
                destination: tel("+15550000001"),
                destinationIndex: 0,
                tryCount: 1
            )
        }
    }

    @discardableResult
    func report(
        _ kind: CallEvent.Kind,
        _ lease: Lease,
        _ reason: String = "",
        by: String = "remote"
    ) throws -> [CampaignEffect] {
        guard let call = try call(lease.attempt) else { throw Refusal.state("no such campaigncall") }
        let event = CallEvent(
            id: ids.next(at: now),
            kind: kind,
            source: "dialer-worker/1",
            time: now,
            customer: Self.customer,
            call: call.assignment.call,
            attempt: lease.attempt,
            journal: Self.journal,
            sequence: 1,
            correlation: lease.attempt,
            hangupReason: reason,
            hangupBy: by
        )
        return try perform([.message(.callEvents([event]), acknowledge: {})])
    }

    var reader: LogReader { get throws { try LogReader(path: file.path) } }

    func campaign(_ id: ID) throws -> Campaign {
        guard let state = try reader.read({ try CampaignTables.campaigns.load(id, in: $0)?.state }) else {
            throw Refusal.state("no such campaign")
        }
        return state
    }

    func call(_ id: ID) throws -> Campaigncall? {
        try reader.read { try CampaignTables.calls.load(id, in: $0)?.state }
    }

    /// What all events so far imply for the other daemons.
    func items() throws -> [Item] {
        let dispatches = CampaignDispatches(names: BusNames(prefix: "t"))
        return try reader.events(after: 0, limit: 1_000_000).flatMap { event in
            try dispatches.dispatches(event).compactMap { dispatch in
                if case .item(let item, _, _) = dispatch { item } else { nil }
            }
        }
    }

    func verify() throws -> [Violation] {
        try LogVerifier.verify(path: file.path, projections: campaignManagerProjections).violations
    }
}
