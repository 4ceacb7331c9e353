package import Contracts
import EventLog
import GRDB
package import OutdialDomain
import Service

/// The requests that change something.
extension OutdialStep {
    mutating func answer(_ request: Request) throws -> Reply {
        let context = EventContext(correlation: request.correlation, actor: request.actor)
        let turn = turn
        return try turn.once(request) { try Reply { try perform(request, context) } }
    }

    private mutating func perform(_ request: Request, _ context: EventContext) throws -> JSONValue {
        switch request.method {
        case "outdial.create": return try createOutdial(request, context)
        case "outdial.update", "outdial.data":
            return try change(request, context) { outdial throws(Refusal) in
                try outdial.update(body: try RequestBody(request.params["body"]))
            }
        case "outdial.campaign_id":
            return try change(request, context) { outdial throws(Refusal) in
                try outdial.assign(campaign: try RequestBody(request.params["body"]).id("campaign_id") ?? .none)
            }
        case "outdial.delete": return try change(request, context) { outdial throws(Refusal) in try outdial.delete() }
        case "outdial.claim": return try claim(request, context)
        case "outdial.lease": return try lease(request, context)
        case "target.create": return try createTarget(request, context)
        case "target.update": return try updateTarget(request, context)
        case "target.rearm_one": return try rearmOne(request, context)
        case "target.rearm_slice": return try rearmSlice(request, context)
        case "target.delete": return try deleteTarget(request, context)
        case "target.import": return try importTargets(request, context)
        case let method where method.hasPrefix("dnclist."): return try performList(request, context)
        default: throw Refusal(.unknown, "METHOD_UNKNOWN", "outdial-manager does not know \(request.method)")
        }
    }

    // MARK: - Outdials

    func requireOutdial(_ id: ID, of customer: ID) throws -> LoadedOutdial {
        guard let loaded = try outdial(id, of: customer), loaded.state.deletedAt == nil else {
            throw Refusal.notFound("OUTDIAL_NOT_FOUND", "there is no outdial \(id)")
        }
        return loaded
    }

    private func createOutdial(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        if let known = try outdial(id, of: request.customerID) { return known.state.resource }
        let events = try Outdial.create(
            id: id,
            customer: request.customerID,
            body: try RequestBody(request.params["body"])
        )
        return try OutdialTables.outdials.record(events, on: id, current: nil, context: context, in: turn).state
            .resource
    }

    private func change(
        _ request: Request,
        _ context: EventContext,
        _ decide: (Outdial) throws(Refusal) -> [OutdialEvent]
    ) throws -> JSONValue {
        let loaded = try requireOutdial(try request.params.requireID("id"), of: request.customerID)
        return try record(try decide(loaded.state), on: loaded, context).state.resource
    }

    // MARK: - Targets

    private mutating func createTarget(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let outdial = try requireOutdial(try request.params.requireID("outdial_id"), of: request.customerID)
        let id = try request.params.requireID("id")
        if let known = try OutdialTables.targets.load(id, in: turn), known.state.outdial == outdial.id {
            return known.state.resource
        }
        let draft = try TargetDraft(body: try RequestBody(request.params["body"]))
        return try add(draft, id: id, to: outdial.state, context).state.resource
    }

    private mutating func add(
        _ draft: TargetDraft,
        id: ID,
        to outdial: Outdial,
        _ context: EventContext
    ) throws -> LoadedTarget {
        touch(outdial.id, context)
        let event = TargetEvent.created(
            draft,
            id: id,
            outdial: outdial.id,
            customer: outdial.customer,
            at: stamps.next(at: turn.now)
        )
        return try OutdialTables.targets.record([event], on: id, current: nil, context: context, in: turn)
    }

    private mutating func deleteTarget(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let (outdial, target) = try requireTarget(request)
        touch(outdial.id, context)
        return try record(target.state.delete(), on: target, context).state.resource
    }

    /// One slice of an import. Repeating it is harmless: a row whose target exists counts as imported, unchanged.
    private mutating func importTargets(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let outdial = try requireOutdial(try request.params.requireID("outdial_id"), of: request.customerID)
        let keepsDuplicates = request.params["duplicates"].string == "keep"
        return try ImportReport(
            of: try request.params.requireArray("rows"),
            known: { try OutdialTables.targets.load($0, in: turn)?.state },
            isDuplicate: { draft in
                guard !keepsDuplicates, let first = draft.destinations[0]?.target else { return false }
                return try OutdialTables.hasTarget(withFirst: first, in: outdial.id, db)
            },
            take: { draft, id in _ = try add(draft, id: id, to: outdial.state, context) }
        ).json
    }
}

extension Target {
    /// The open lease as the claimant sees it.
    package var leased: Contracts.Lease? {
        guard let lease, let destination = destinations[lease.destinationIndex] else { return nil }
        return Contracts.Lease(
            attempt: lease.attempt,
            target: id,
            destination: destination,
            destinationIndex: lease.destinationIndex,
            tryCount: tryCounts[lease.destinationIndex],
            profile: profile
        )
    }

    /// What flows may speak of.
    private var profile: TargetProfile {
        TargetProfile(
            name: name,
            detail: detail,
            data: data,
            variables: Dictionary(variables.map { ($0.name, $0.value) }) { first, _ in first }
        )
    }
}

extension Target {
    /// Whether it is what an import made of `draft`; what only a later change could have made is not compared.
    func wasImported(as draft: TargetDraft) -> Bool { name == draft.name && destinations == draft.destinations }
}
