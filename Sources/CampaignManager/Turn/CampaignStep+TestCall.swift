import CampaignDomain
import Contracts
import EventLog
import GRDB

/// Calls with which a customer tries a campaign on a number of their own.
///
/// Such a call is placed like any other, from the campaign's source and with what it does on its calls; it has no target
/// and no run, and no count of the campaign knows it. So it goes whatever the campaign's status is, and a stop leaves it
/// alone. What protects other people (do-not-call lists, calling windows) does not stand in its way.
extension CampaignStep {
    /// Places it and answers with the call; the same `id` gets the same call again.
    mutating func testCall(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        if let known = try CampaignTables.calls.load(id, in: turn)?.state {
            guard known.assignment.customer == request.customerID else { throw CampaignReads.noCall(id) }
            return known.callResource
        }
        let campaign = try requireTestable(try request.params.requireID("campaign_id"), of: request.customerID)
        let body = try RequestBody(request.params["body"])
        guard let destination = try Address.read(body.json["destination"], field: "destination") else {
            throw Refusal.invalid("destination", "is missing: give the number that is to ring, such as +15551230000")
        }
        guard ["tel", "sip"].contains(destination.type) else {
            throw Refusal.invalid("destination.type", "must be tel or sip: a test call is a call")
        }
        try requireNobodyOnTheLine(destination, of: request.customerID)
        let outplan = try requireOutplan(of: campaign)
        var capacity = try capacity()
        let route = CampaignStep.route(of: campaign.settings, outplan)
        guard let worker = capacity.take(on: route) else {
            throw Refusal(
                .failedPrecondition,
                "NO_CHANNEL",
                "no worker has a free channel for the route \"\(route)\"; try again in a moment"
            )
        }
        // Without a target there is nothing to lease; the one try is the first.
        let lease = Lease(attempt: id, target: .none, destination: destination, destinationIndex: 0, tryCount: 1)
        var assignment = assignment(of: lease, to: worker, for: campaign, outplan, outdial: .none)
        assignment.isTest = true
        let program = try program(of: campaign)
        try assign(program, to: &assignment, lease, context)
        let call = try CampaignTables.calls.record(
            [.created(assignment)],
            on: id,
            current: nil,
            context: context,
            in: turn
        )
        try turn.armTimer(kind: CampaignStep.attemptTimer, key: id.description, at: deadline(of: call.state))
        if !assignment.engine.isEmpty {
            effects.append(.dial(EngineCommand(assignment, correlation: context.correlation)))
        }
        return call.state.callResource
    }

    private func requireTestable(_ id: ID, of customer: ID) throws -> Campaign {
        guard let campaign = try campaign(id)?.state, campaign.customer == customer, campaign.deletedAt == nil else {
            throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign \(id)")
        }
        guard try isDialingEnabled(for: customer) else {
            throw Refusal(
                .failedPrecondition,
                "DIALING_DISABLED",
                "dialing is switched off; switch it on with PUT /customer/dialing"
            )
        }
        return campaign
    }

    /// Its outplan; whom the list names and how often they may be tried does not matter.
    private func requireOutplan(of campaign: Campaign) throws -> Outplan {
        let outplan = try CampaignTables.outplans.load(campaign.settings.outplan, in: turn)?.state
        let obstacles = try startObstacles(of: campaign, outplan: outplan)
        if let first = obstacles.first(where: { ![.outdialMissing, .noTries].contains($0) }) { throw first.refusal }
        guard let outplan else { throw Campaign.StartObstacle.outplanMissing.refusal }
        return outplan
    }

    private func requireNobodyOnTheLine(_ destination: Address, of customer: ID) throws {
        let open = try CampaignTables.calls.fetch(
            "INDEXED BY campaigncall_open WHERE bucket IN ('dialing', 'answered') AND customer_id = ?",
            [customer],
            in: db
        )
        let number = DialedNumber.key(of: destination)
        guard !open.contains(where: { DialedNumber.key(of: $0.state.assignment.destination) == number }) else {
            throw Refusal(
                .failedPrecondition,
                "NUMBER_BUSY",
                "a call to this number is under way; wait for its end or hang it up"
            )
        }
    }

    /// The numbers that test calls of `customer` have on the line, as ``DialedNumber/key(of:)`` writes them: no campaign
    /// rings them meanwhile.
    func numbersOfTestCalls(of customer: ID) throws -> Set<String> {
        guard try CallCounts(campaign: .none, in: db).open > 0 else { return [] }
        let open = try CampaignTables.calls.fetch(
            "INDEXED BY campaigncall_open WHERE bucket IN ('dialing', 'answered') AND campaign_id = ?",
            [ID.none],
            in: db
        )
        return Set(
            open.filter { $0.state.assignment.customer == customer }
                .map { DialedNumber.key(of: $0.state.assignment.destination) }
        )
    }
}
