import Contracts
import EventLog
import OutdialDomain
import OutdialManager
import Service
import TestSupport

extension OutdialHarness {
    var reader: LogReader { get throws { try LogReader(path: file.path) } }

    /// One request that changes nothing.
    func read(_ method: String, _ params: JSONValue, customer: ID = OutdialHarness.customer) throws -> JSONValue {
        let now = now
        return try OutdialReads(log: try reader, clock: { now }).answer(
            Request(method: method, customerID: customer, actor: "test", correlation: id(1), params: params)
        ).get()
    }

    @discardableResult
    func addTarget(_ number: String, named name: String) throws -> ID {
        let id = ids.next(at: now)
        _ = try request(
            "target.create",
            [
                "outdial_id": .id(Self.outdial), "id": .id(id),
                "body": ["name": .string(name), "destination_0": ["target": .string(number)]],
            ]
        ).get()
        return id
    }

    /// `count` targets, some done and some deleted, whose stamps are often equal: written past the source of stamps.
    func fill(_ count: Int, using generator: inout SplitMix) throws {
        let context = EventContext(correlation: id(1), actor: "test")
        _ = try file.perform(now: now, ids: &ids, dueUpTo: now) { turn in
            var stamp = turn.now
            for _ in 0..<count {
                if generator.next() % 3 == 0 { stamp = stamp + Milliseconds(Int64(generator.next() % 900)) }
                let target = turn.ids.next(at: turn.now)
                let draft = TargetDraft(name: "\(generator.next() % 100)", destinations: [tel("+15550000001")])
                var events: [TargetEvent] = [
                    .created(draft, id: target, outdial: Self.outdial, customer: Self.customer, at: stamp)
                ]
                switch generator.next() % 6 {
                case 0: events.append(.closed(reason: "busy"))
                case 1: events.append(.deleted)
                case 2: events += [Self.leased(target), try Self.finished(target, .busy), .deleted]
                case 3: events += [Self.leased(target), try Self.finished(target, .normal)]
                case 4: events += [Self.leased(target), try Self.finished(target, .busy)]
                default: break
                }
                _ = try OutdialTables.targets.record(events, on: target, current: nil, context: context, in: turn)
            }
        }
    }

    private static func leased(_ attempt: ID) -> TargetEvent {
        .leased(
            Target.Lease(attempt: attempt, request: id(900), campaign: campaign, run: 1, destinationIndex: 0),
            tryCount: 1
        )
    }

    private static func finished(_ attempt: ID, _ reason: HangupReason) throws -> TargetEvent {
        try TargetEvent(
            type: "target_attempt_finished",
            schema: 1,
            json: [
                "attempt_id": .id(attempt), "outcome": "placed", "result": .string(reason.result),
                "reason": .string(reason.rawValue), "ended_at": .time(moment(0)), "done": true, "next_try_at": .null,
            ]
        )
    }

    func allTargets() throws -> [Target] {
        try reader.read { try OutdialTables.targets.fetch("ORDER BY created_at DESC, rowid DESC", in: $0).map(\.state) }
    }
}
