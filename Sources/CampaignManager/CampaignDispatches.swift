import CampaignDomain
package import Contracts
package import EventLog
package import Service

/// What campaign-manager's events imply for the other daemons.
package struct CampaignDispatches: Sendable {
    let names: BusNames

    package init(names: BusNames) { self.names = names }

    package func dispatches(_ event: RecordedEvent) throws -> [Dispatch] {
        guard let data = event.data else { return [] }
        switch event.type {
        case "campaigncall_created", "campaigncall_finished", "campaigncall_settling", "campaigncall_result_repeated",
            "campaigncall_hangup_requested", "campaigncall_queue_refused":
            return try callDispatches(event, try JSONValue(parsing: data))
        case "campaign_stopping", "campaign_stopped", "campaign_lease_returned", "campaign_claim_dropped",
            "campaign_plan_changed":
            return try campaignDispatches(event, try JSONValue(parsing: data))
        case "queuecall_connecting", "queuecall_leg_refused", "queuecall_abandoned":
            return try queueDispatches(event, try JSONValue(parsing: data))
        case "worker_program_given":
            guard let journal = ID(event.stream.dropFirst(Worker.category.count + 1)) else { return [] }
            return [toWorker(event, .program(try Program(json: try JSONValue(parsing: data))), journal)]
        case "activeflow_stop_requested":
            let json = try JSONValue(parsing: data)
            let stop = Item.Body.stopFlow(attempt: try json.requireID("attempt_id"))
            return [toWorker(event, stop, try json.requireID("journal"))]
        default: return []
        }
    }

    private func callDispatches(_ event: RecordedEvent, _ json: JSONValue) throws -> [Dispatch] {
        switch try CampaigncallEvent(type: event.type, schema: event.schema, json: json) {
        // Other engines' commands are published once, ever, and so not from the log: see EngineDialer.
        case .created(let assignment) where !assignment.engine.isEmpty: return []
        case .created(let assignment): return [toWorker(event, .dial(assignment.command), assignment.journal)]
        case .finished(let finished, _), .resultRepeated(let finished):
            // A test call has no target to move.
            return finished.target.isNone ? [] : [toOutdials(event, .attemptFinished(finished))]
        case .settling(_, let journal):
            guard let attempt = ID(event.stream.dropFirst(Campaigncall.category.count + 1)) else { return [] }
            return [toWorker(event, .settle(attempt: attempt), journal)]
        case .hangupRequested(let journal):
            guard let attempt = ID(event.stream.dropFirst(Campaigncall.category.count + 1)) else { return [] }
            return [toWorker(event, .hangup(attempt: attempt), journal)]
        case .queueRefused(let queuecall, _, let reason, let journal):
            guard let attempt = ID(event.stream.dropFirst(Campaigncall.category.count + 1)) else { return [] }
            return [toWorker(event, .leaveQueue(attempt: attempt, queuecall: queuecall, reason: reason), journal)]
        default: return []
        }
    }

    private func campaignDispatches(_ event: RecordedEvent, _ json: JSONValue) throws -> [Dispatch] {
        guard let campaign = ID(event.stream.dropFirst(Campaign.category.count + 1)) else { return [] }
        switch try CampaignEvent(type: event.type, schema: event.schema, json: json) {
        case .stopping(let run, _, let journals):
            return journals.enumerated().map { index, journal in
                toWorker(event, .cancel(campaign: campaign, run: run), journal, index: index)
            }
        case .stopped(let run, _, let outdial), .claimDropped(let run, let outdial):
            return [toOutdials(event, .claimReleased(outdial: outdial, campaign: campaign, run: run))]
        case .leaseReturned(_, let attempt, let target, let outdial, let outcome):
            let returned = AttemptFinished(
                attempt: attempt,
                target: target,
                outdial: outdial,
                outcome: outcome,
                result: "fail",
                reason: HangupReason.notDialed.rawValue,
                endedAt: event.recordedAt
            )
            return [toOutdials(event, .attemptFinished(returned))]
        case .planChanged(let run, let outdial, let plan):
            return [toOutdials(event, .planChanged(outdial: outdial, campaign: campaign, run: run, plan: plan))]
        default: return []
        }
    }

    private func queueDispatches(_ event: RecordedEvent, _ json: JSONValue) throws -> [Dispatch] {
        guard let queuecall = ID(event.stream.dropFirst(Queuecall.category.count + 1)) else { return [] }
        switch try QueuecallEvent(type: event.type, schema: event.schema, json: json) {
        case .connecting(let ringing):
            return ringing.legs.enumerated().map { index, leg in
                let ring = AgentRing(
                    attempt: ringing.attempt,
                    queuecall: queuecall,
                    leg: leg.id,
                    agent: leg.agent,
                    addresses: leg.addresses,
                    ringTimeout: ringing.ringTimeout,
                    serviceTimeout: ringing.serviceTimeout,
                    ringBy: event.recordedAt + Queuecall.ringWithin
                )
                return toWorker(event, .ringAgent(ring), ringing.journal, index: index)
            }
        case .legRefused(_, _, let attempt, let journal):
            return [toWorker(event, .hangup(attempt: attempt), journal)]
        case .abandoned(let reason, _, let attempt, let journal?):
            let leave = Item.Body.leaveQueue(attempt: attempt, queuecall: queuecall, reason: reason.rawValue)
            return [toWorker(event, leave, journal)]
        default: return []
        }
    }

    private func toWorker(_ event: RecordedEvent, _ body: Item.Body, _ journal: ID, index: Int = 0) -> Dispatch {
        let item = Item(id: event.id.derived(index), correlation: event.correlation, body: body)
        return .toWorker(item, journal: journal, names: names)
    }

    private func toOutdials(_ event: RecordedEvent, _ body: Item.Body) -> Dispatch {
        .toManager(Item(id: event.id, correlation: event.correlation, body: body), .outdial, names: names)
    }
}
