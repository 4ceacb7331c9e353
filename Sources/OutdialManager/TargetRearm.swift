import Contracts
import EventLog
import OutdialDomain

extension OutdialHandler {
    /// The targets of one turn.
    static let rearmSlice = 500

    /// Re-arms the targets that the body names, a slice in each turn: `{"rearmed": n}`.
    ///
    /// A kill in the middle leaves the slices that were committed; the same request again re-arms the rest, and counts
    /// only that. A target that was dialed again meanwhile is not re-armed a second time: each is noted with the request
    /// in the commit that re-arms it, and the note is kept as long as those of messages.
    func rearm(_ request: Request) async throws -> Reply {
        let rearm = try Rearm(body: try RequestBody(request.params["body"]))
        var place: OutdialReads.Place? = OutdialReads.Place()
        var count: Int64 = 0
        let mark = request.idempotency.map { "rearm \($0.path) \($0.key)" } ?? "rearm \(request.correlation)"
        while let start = place {
            let found = try reads.rearmable(rearm, request, behind: start, limit: OutdialHandler.rearmSlice)
            place = found.next
            if found.ids.isEmpty { break }
            var slice = request
            slice.method = "target.rearm_slice"
            slice.idempotency = nil
            slice.params = [
                "outdial_id": request.params["outdial_id"], "body": request.params["body"],
                "ids": .array(found.ids.map { .id($0) }), "mark": .string(mark),
            ]
            count += try await change(slice).get()["rearmed"].integer ?? 0
        }
        return .result(["rearmed": .integer(count)])
    }
}

extension OutdialStep {
    /// Those of `ids` that are still done for the given reasons; deleted and leased ones are left alone.
    mutating func rearmSlice(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let outdial = try requireOutdial(try request.params.requireID("outdial_id"), of: request.customerID)
        let rearm = try Rearm(body: try RequestBody(request.params["body"]))
        let mark = try request.params.requireString("mark")
        var count: Int64 = 0
        for id in try request.params.requireArray("ids").compactMap(\.id) {
            guard let target = try OutdialTables.targets.load(id, in: turn), target.state.outdial == outdial.id,
                rearm.matches(target.state)
            else { continue }
            let events = target.state.rearm()
            guard !events.isEmpty, try turn.admit(id, consumer: mark) else { continue }
            try record(events, on: target, context)
            count += 1
        }
        if count > 0 { touch(outdial.id, context) }
        return ["rearmed": .integer(count)]
    }

    /// One target by its id; one that is not done stays as it is.
    mutating func rearmOne(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let (outdial, target) = try requireTarget(request)
        let events = target.state.rearm()
        // A request that is delivered again finds a target that was dialed meanwhile, and leaves it alone.
        guard !events.isEmpty, try turn.admit(target.id, consumer: "rearm \(request.correlation)") else {
            return target.state.resource
        }
        touch(outdial.id, context)
        return try record(events, on: target, context).state.resource
    }

    mutating func updateTarget(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let (outdial, target) = try requireTarget(request)
        touch(outdial.id, context)
        let events = try target.state.update(body: try RequestBody(request.params["body"]))
        return try record(events, on: target, context).state.resource
    }

    func requireTarget(_ request: Request) throws -> (LoadedOutdial, LoadedTarget) {
        let outdial = try requireOutdial(try request.params.requireID("outdial_id"), of: request.customerID)
        let id = try request.params.requireID("id")
        guard let target = try OutdialTables.targets.load(id, in: turn), target.state.outdial == outdial.id,
            target.state.deletedAt == nil
        else { throw Refusal.notFound("OUTDIAL_TARGET_NOT_FOUND", "there is no target \(id) in this outdial") }
        return (outdial, target)
    }
}
