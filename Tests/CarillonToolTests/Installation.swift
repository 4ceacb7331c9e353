import CampaignDomain
import CampaignManager
import Contracts
import DialerWorker
import EventLog
import Foundation
import OutdialManager
import Service
import TestSupport

@testable import CarillonTool

/// The cores of one installation on real logs in one directory, with a clock that the test moves and a bus that loses
/// nothing: what happens is what the daemons would record.
final class Installation {
    let directory: TemporaryDirectory
    var now = moment(0)
    let customer = id(3)
    private(set) var admin = "test"
    private let names = BusNames(prefix: "t")
    private let campaigns: EventLogFile
    private let outdials: EventLogFile
    private let journalFile: EventLogFile
    private var campaignCore = CampaignTurn()
    private let outdialCore = OutdialTurn()
    private var workerCore: WorkerCore
    private let journal: ID
    private let process: ID
    private var calls: SimulatedCalls
    private var published: [String: Int64] = [:]
    private let readers: [String: LogReader]
    private(set) var placed: [DialCommand] = []
    private var ids = IDGenerator(seed: 11)
    private var nextStatus = moment(0)
    private var isWorkerThere = true

    /// - Parameter channels: of the one worker.
    init(channels: Int = 10, _ change: (inout Scenario) -> Void = { _ in }) throws {
        var scenario = Scenario()
        change(&scenario)
        let directory = try TemporaryDirectory(inMemory: true)
        self.directory = directory
        calls = SimulatedCalls(scenario: scenario)
        func open(_ name: String, _ schema: [String], at now: Timestamp) throws -> EventLogFile {
            let program = LogProcess(name: String(name.prefix { $0 != "." }), version: "1")
            return try EventLogFile.open(
                path: "\(directory.path)/\(name).db",
                schema: schema,
                process: program,
                now: now
            )
        }
        campaigns = try open("campaign-manager", CampaignTables.schema, at: now)
        outdials = try open("outdial-manager", OutdialTables.schema, at: now)
        journalFile = try open("dialer-worker.1", Journal.schema, at: now)
        readers = try [campaigns, outdials, journalFile].reduce(into: [:]) {
            $0[$1.path] = try LogReader(path: $1.path)
        }
        workerCore = WorkerCore(worker: "1", channels: channels)
        let opened = try Journal(log: journalFile, core: &workerCore, now: now)
        journal = opened.id
        process = ids.next(at: now)
        let request = Request(
            method: "worker.register",
            customerID: .none,
            actor: "dialer-worker/1",
            correlation: ids.next(at: now),
            params: status(channels, opened.position).json
        )
        try tell([.request(request, answer: { _ in })])
        try command([.accepted(process: process)])
        try makeAccount()
    }

    private func status(_ channels: Int, _ sequence: Int64, isLeaving: Bool = false) -> WorkerStatus {
        WorkerStatus(
            worker: "1",
            journal: journal,
            process: process,
            route: "default",
            channels: channels,
            free: workerCore.free,
            version: "1",
            sequence: sequence,
            isLeaving: isLeaving
        )
    }

    // MARK: - What people ask for

    @discardableResult
    func atCampaigns(_ method: String, _ params: JSONValue) throws -> JSONValue {
        let reply = Locked<Reply?>(nil)
        try tell([.request(request(method, params), answer: { reply.value = $0 })])
        return try (reply.value ?? .refused(.unavailable("no answer"))).get()
    }

    @discardableResult
    func atOutdials(_ method: String, _ params: JSONValue) throws -> JSONValue {
        try atOutdials(request(method, params)).get()
    }

    private func atOutdials(_ request: Request) throws -> Reply {
        let reply = Locked<Reply?>(nil)
        if OutdialReads.methods.contains(request.method) {
            let now = now
            return try OutdialReads(log: try LogReader(path: outdials.path), clock: { now }).answer(request)
        }
        try tellOutdials([.request(request, answer: { reply.value = $0 })])
        return reply.value ?? .refused(.unavailable("no answer"))
    }

    func newID() -> ID { ids.next(at: now) }

    private func request(_ method: String, _ params: JSONValue) -> Request {
        Request(method: method, customerID: customer, actor: admin, correlation: newID(), params: params)
    }

    private func makeAccount() throws {
        let agent = newID()
        try atCampaigns(
            "account.create",
            [
                "customer_id": .id(customer), "agent_id": .id(agent), "accesskey_id": .id(newID()),
                "username": "admin", "permission": 33, "password_hash": "h", "token_hash": "h", "token_prefix": "vb_",
                "body": ["name": "Acme"],
            ]
        )
        admin = "agent:\(agent)"
    }

    func makeOutdial(_ name: String = "spring") throws -> ID {
        let id = newID()
        try atOutdials("outdial.create", ["id": .id(id), "body": ["name": .string(name)]])
        return id
    }

    @discardableResult
    func addTarget(_ number: String, to outdial: ID, _ more: JSONObject = [:]) throws -> ID {
        let id = newID()
        var body = more
        body["destination_0"] = ["target": .string(number)]
        if body["name"].isNull { body["name"] = "Ann" }
        try atOutdials("target.create", ["outdial_id": .id(outdial), "id": .id(id), "body": .object(body)])
        return id
    }

    func makeCampaign(
        on outdial: ID,
        plan: JSONObject = ["max_try_count_0": 2, "try_interval": 60_000],
        _ more: JSONObject = [:]
    ) throws -> ID {
        let (campaign, outplan) = (newID(), newID())
        try atCampaigns("outplan.create", ["id": .id(outplan), "body": .object(plan)])
        var body = more
        if body["name"].isNull { body["name"] = "spring sale" }
        body["outplan_id"] = .id(outplan)
        body["outdial_id"] = .id(outdial)
        try atCampaigns("campaign.create", ["id": .id(campaign), "body": .object(body)])
        return campaign
    }

    func start(_ campaign: ID) throws {
        let asked = request("campaign.status", ["id": .id(campaign)])
        let reply = Locked<Reply?>(nil)
        try tell([.prepareStart(asked, answer: { reply.value = $0 })])
        let claim = try (reply.value ?? .refused(.unavailable("no answer"))).get()
        let run = try claim.requireInteger("run")
        var claiming = asked
        claiming.method = "outdial.claim"
        claiming.params = [
            "outdial_id": claim["outdial_id"], "campaign_id": .id(campaign), "run": .integer(run),
            "plan": claim["plan"],
        ]
        _ = try atOutdials(claiming).get()
        let started = Locked<Reply?>(nil)
        try tell([.start(asked, run: run, answer: { started.value = $0 })])
        _ = try (started.value ?? .refused(.unavailable("no answer"))).get()
    }

    func stop(_ campaign: ID) throws {
        try atCampaigns("campaign.stop", ["id": .id(campaign)])
    }

    /// The worker says no more.
    func silenceWorker() { isWorkerThere = false }

    // MARK: - Time

    /// Lets things happen for as long, and whatever is due then.
    func run(for milliseconds: Milliseconds) throws {
        let end = now + milliseconds
        try settle()
        while true {
            let beat = end - now > .seconds(600) ? Int64(10_000_000) : 1_000_000
            let ticks = Timestamp(microseconds: (now.microseconds / beat + 1) * beat)
            var next = [campaigns.nextDue, outdials.nextDue].compactMap { $0 } + [ticks]
            if isWorkerThere, let due = calls.nextDue { next.append(Timestamp(microseconds: due)) }
            let moment = max(now, next.min() ?? end)
            guard moment <= end else { break }
            now = moment
            try settle()
            if moment == ticks { try tick() }
        }
        now = max(now, end)
        try settle()
    }

    private func tick() throws {
        if isWorkerThere, now >= nextStatus {
            nextStatus = now + 5_000
            let body = Item.Body.workerStatus(status(workerCore.channels, journalFile.head))
            try tell([
                .message(.items([Item(id: newID(), correlation: newID(), body: body)]), acknowledge: {})
            ])
        }
        try tell([.tick(isConnected: true)])
        try settle()
    }

    /// Publishes and delivers until nobody has anything to say.
    private func settle() throws {
        if isWorkerThere { try advance { _, _ in } }
        repeat {
            try tell([])
            try tellOutdials([])
        } while try publish()
    }

    private func publish() throws -> Bool {
        var isMoving = false
        for event in try unpublished(campaigns) {
            isMoving = true
            for case .item(let item, let queue, _) in try CampaignDispatches(names: names).dispatches(event) {
                if queue == names.inbox(.outdial) {
                    try tellOutdials([.message([item], acknowledge: {})])
                } else if isWorkerThere {
                    try command([.item(try screened(item))])
                }
            }
        }
        for event in try unpublished(outdials) {
            isMoving = true
            for case .item(let item, _, _) in try OutdialDispatches(names: names).dispatches(event) {
                try tell([.message(.items([item]), acknowledge: {})])
            }
        }
        for event in try unpublished(journalFile) {
            isMoving = true
            for announcement in try Announcer(journal: journal, worker: "1").announcements(of: event) {
                switch announcement {
                case .call(let call): try tell([.message(.callEvents([call]), acknowledge: {})])
                case .item(let item): try tell([.message(.items([item]), acknowledge: {})])
                case .outdialItem(let item): try tellOutdials([.message([item], acknowledge: {})])
                }
            }
        }
        return isMoving
    }

    private func unpublished(_ file: EventLogFile) throws -> [RecordedEvent] {
        guard file.head > published[file.path, default: 0], let reader = readers[file.path] else { return [] }
        let events = try reader.events(after: published[file.path, default: 0], limit: 10_000)
        if let last = events.last { published[file.path] = last.position }
        return events
    }

    // MARK: - Turns

    /// No two turns are at the same moment.
    private func passMoment() { now = Timestamp(microseconds: now.microseconds + 1) }

    private func tellOutdials(_ inputs: [OutdialInput]) throws {
        passMoment()
        try outdials.perform(now: now, ids: &ids, dueUpTo: now) { [outdialCore] in try outdialCore.run($0, inputs) }
    }

    private func tell(_ inputs: [CampaignInput]) throws {
        passMoment()
        let effects = Locked<[CampaignEffect]>([])
        try campaigns.perform(now: now, ids: &ids, dueUpTo: now) { [campaignCore] turn in
            try campaignCore.run(turn, inputs) { more in effects.withLock { $0 += more } }
        }
        for case .lease(let request) in effects.value { try lease(request) }
    }

    private func lease(_ request: LeaseRequest) throws {
        let asked = Request(
            method: "outdial.lease",
            customerID: request.customer,
            actor: Manager.campaign.rawValue,
            correlation: request.id,
            params: [
                "outdial_id": .id(request.outdial), "campaign_id": .id(request.campaign),
                "run": .integer(request.run), "request_id": .id(request.id), "count": .integer(request.count),
            ]
        )
        guard case .result(let answer) = try atOutdials(asked) else {
            return try tell([.leased(request, .claimLost)])
        }
        let leases = try answer.requireArray("leases").map { try Lease(json: $0) }
        let isExhausted = try answer.requireBool("exhausted")
        try tell([.leased(request, .leases(leases, isExhausted: isExhausted))])
    }

    private func screened(_ item: Item) throws -> Item {
        guard case .dial(var command) = item.body else { return item }
        let check: JSONValue = [
            "attempt_id": .id(command.attempt), "customer_id": .id(command.customer),
            "destination": command.destination.json,
        ]
        let answer = try atOutdials("dnc.check", ["checks": [check]])
        let isListed = answer["listed"].array?.contains { $0.id == command.attempt } ?? false
        command.screening = isListed ? .listed([]) : .clear([])
        return Item(id: item.id, correlation: item.correlation, body: .dial(command))
    }

    private func command(_ inputs: [WorkerInput]) throws {
        passMoment()
        let effects = try journalFile.perform(now: now, ids: &ids, dueUpTo: now) { turn in
            try workerCore.turn(turn, inputs)
        }
        placed += effects.place
        try advance { calls, reports in
            for command in effects.place { calls.place(command, at: now.microseconds, reports: &reports) }
            for order in effects.orders { calls.perform(order, at: now.microseconds, reports: &reports) }
            for attempt in effects.cancel { calls.cancel(attempt, reports: &reports) }
            for attempt in effects.hangUp { calls.hangUp(attempt, by: .system, reports: &reports) }
            for attempt in effects.hangUpForUs { calls.hangUp(attempt, by: .local, reports: &reports) }
        }
    }

    private func advance(_ body: (inout SimulatedCalls, inout [CallReport]) -> Void) throws {
        var reports: [CallReport] = []
        body(&calls, &reports)
        calls.advance(to: now.microseconds, reports: &reports)
        for report in reports { try command([.report(report)]) }
    }

    // MARK: - What the logs say

    func logs() throws -> LogDirectory { try LogDirectory(path: directory.path) }

    /// The answer of `log why` at a moment; now when there is none.
    func why(_ resource: String, at: String? = nil) throws -> Explanation {
        let logs = try logs()
        let past = Past(logs, try Moment(at, in: logs), clock: now)
        return try Why(past, LogStyle(isMasked: false)).explain(resource)
    }
}
