import Contracts
import EventLog
import Foundation
import OutdialDomain
import OutdialManager
import TestSupport

/// Outdial-manager's turn on a real log, without threads or bus: every call is one turn.
final class OutdialHarness {
    let directory: TemporaryDirectory
    let file: EventLogFile
    let turn = OutdialTurn()
    var ids = IDGenerator(seed: 5)
    var now = moment(0)

    static let customer = id(3)
    static let campaign = id(5)
    static let outdial = id(2)
    static let plan = DialPlan(maximumTries: [2, 1, 0, 0, 0], tryInterval: 60_000)

    init() throws {
        directory = try TemporaryDirectory()
        file = try EventLogFile.open(path: directory.file("log.db"), schema: OutdialTables.schema, now: now)
    }

    func perform(_ inputs: [OutdialInput]) throws {
        _ = try file.perform(now: now, ids: &ids, dueUpTo: now) { [turn] in try turn.run($0, inputs) }
    }

    /// One request in one turn.
    func request(
        _ method: String,
        _ params: JSONValue,
        customer: ID = OutdialHarness.customer,
        key: IdempotencyKey? = nil
    ) throws -> Reply {
        let box = Box()
        let request = Request(
            method: method,
            customerID: customer,
            actor: "test",
            correlation: ids.next(at: now),
            params: params,
            idempotency: key
        )
        try perform([.request(request, answer: { box.reply = $0 })])
        guard let reply = box.reply else { throw Refusal.state("no answer") }
        return reply
    }

    func tell(_ body: Item.Body) throws {
        let item = Item(id: ids.next(at: now), correlation: id(1), body: body)
        try perform([.message([item], acknowledge: {})])
    }

    func makeOutdial() throws {
        _ = try request("outdial.create", ["id": .id(Self.outdial), "body": [:]]).get()
    }

    @discardableResult
    func addTarget(_ number: String = "+15550000001", priority: Int64 = 5) throws -> ID {
        let id = ids.next(at: now)
        _ = try request(
            "target.create",
            [
                "outdial_id": .id(Self.outdial), "id": .id(id),
                "body": ["destination_0": ["target": .string(number)], "priority": .integer(priority)],
            ]
        ).get()
        return id
    }

    @discardableResult
    func claim(
        run: Int64 = 1,
        campaign: ID = OutdialHarness.campaign,
        plan: DialPlan = OutdialHarness.plan
    ) throws -> Reply {
        try request(
            "outdial.claim",
            ["outdial_id": .id(Self.outdial), "campaign_id": .id(campaign), "run": .integer(run), "plan": plan.json]
        )
    }

    func lease(
        _ count: Int64,
        request requestID: ID? = nil,
        run: Int64 = 1
    ) throws -> (leases: [Lease], isExhausted: Bool) {
        let answer = try request(
            "outdial.lease",
            [
                "outdial_id": .id(Self.outdial), "campaign_id": .id(Self.campaign), "run": .integer(run),
                "request_id": .id(requestID ?? ids.next(at: now)), "count": .integer(count),
            ]
        ).get()
        return (
            try answer.requireArray("leases").map { try Lease(json: $0) }, try answer.requireBool("exhausted")
        )
    }

    func finish(
        _ lease: Lease,
        _ reason: HangupReason,
        _ outcome: AttemptFinished.Outcome = .placed,
        mayTalkUntil: Timestamp? = nil
    ) throws {
        try tell(
            .attemptFinished(
                AttemptFinished(
                    attempt: lease.attempt,
                    target: lease.target,
                    outdial: Self.outdial,
                    outcome: outcome,
                    result: reason.result,
                    reason: reason.rawValue,
                    endedAt: now,
                    mayTalkUntil: mayTalkUntil
                )
            )
        )
    }

    /// The types of all events so far, the process's own left out.
    func types() throws -> [String] {
        try LogReader(path: file.path).events(after: 0, limit: 1_000_000).map(\.type)
    }

    func target(_ id: ID) throws -> Target? {
        try LogReader(path: file.path).read { db in try OutdialTables.targets.load(id, in: db)?.state }
    }

    func verify() throws -> [Violation] {
        try LogVerifier.verify(path: file.path, projections: outdialManagerProjections).violations
    }

    private final class Box: @unchecked Sendable { var reply: Reply? }
}
