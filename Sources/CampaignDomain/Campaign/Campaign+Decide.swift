package import Contracts

/// The rules of campaigns.
extension Campaign {
    package static func create(id: ID, customer: ID, body: RequestBody) throws(Refusal) -> [CampaignEvent] {
        let settings = try CampaignSettings().merging(body, part: .all, own: id)
        return [.created(id: id, customer: customer, settings: settings)]
    }

    package func update(body: RequestBody, part: CampaignSettings.Part) throws(Refusal) -> [CampaignEvent] {
        let merged = try settings.merging(body, part: part, own: id)
        if status != .stop {
            for (field, isKept) in [
                ("outdial_id", merged.outdial == settings.outdial), ("outplan_id", merged.outplan == settings.outplan),
                ("type", merged.kind == settings.kind),
            ] where !isKept {
                throw .state("\(field) can change only while the campaign is stopped; stop it first")
            }
        }
        return merged == settings ? [] : [.updated(changes: merged.changes(from: settings))]
    }

    /// What a start needs, checked before the outdial is claimed.
    package func checkStart(
        outplan: Outplan?,
        isQueueMissing: Bool = false,
        isFlowMissing: Bool = false,
        isProgramTooLarge: Bool = false,
        isForEngine: Bool = false
    ) throws(Refusal) {
        let obstacles = startObstacles(
            outplan: outplan,
            isQueueMissing: isQueueMissing,
            isFlowMissing: isFlowMissing,
            isProgramTooLarge: isProgramTooLarge,
            isForEngine: isForEngine
        )
        if let first = obstacles.first { throw first.refusal }
    }

    /// Everything that keeps it from being started; a rehearsal tells all of it.
    ///
    /// - Parameters:
    ///   - isQueueMissing: it names a queue that is deleted.
    ///   - isFlowMissing: it names a flow that is deleted.
    ///   - isProgramTooLarge: its actions and flows come to more than ``ProgramSource/sizeLimit``.
    ///   - isForEngine: another dialing engine serves its route.
    package func startObstacles(
        outplan: Outplan?,
        isQueueMissing: Bool = false,
        isFlowMissing: Bool = false,
        isProgramTooLarge: Bool = false,
        isForEngine: Bool = false
    ) -> [StartObstacle] {
        var obstacles: [StartObstacle] = []
        if settings.kind != .call, settings.actions.isEmpty, settings.flow.isNone { obstacles.append(.actionsMissing) }
        if settings.outdial.isNone { obstacles.append(.outdialMissing) }
        if let outplan, outplan.deletedAt == nil {
            if !outplan.settings.maximumTries.contains(where: { $0 > 0 }) { obstacles.append(.noTries) }
        } else {
            obstacles.append(.outplanMissing)
        }
        if isQueueMissing { obstacles.append(.queueMissing) }
        if isFlowMissing { obstacles.append(.flowMissing) }
        // Other engines run no actions.
        if isForEngine { obstacles += engineObstacles } else if isProgramTooLarge { obstacles.append(.programTooLarge) }
        return obstacles
    }

    /// What other dialing engines cannot do for it: they place calls, and that is all.
    package var engineObstacles: [StartObstacle] {
        (settings.kind == .call ? [] : [.engineCallsOnly]) + (settings.queue.isNone ? [] : [.engineWithoutQueue])
    }

    /// Why a campaign as it is set up cannot be started.
    package enum StartObstacle: String, Sendable, CaseIterable {
        case actionsMissing = "ACTIONS_MISSING"
        case outdialMissing = "OUTDIAL_MISSING"
        case outplanMissing = "OUTPLAN_MISSING"
        case noTries = "NO_TRIES"
        case queueMissing = "QUEUE_MISSING"
        case flowMissing = "FLOW_MISSING"
        case programTooLarge = "PROGRAM_TOO_LARGE"
        case engineCallsOnly = "ENGINE_CALLS_ONLY"
        case engineWithoutQueue = "ENGINE_WITHOUT_QUEUE"

        package var refusal: Refusal {
            switch self {
            case .actionsMissing:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    "the campaign has nothing to do; set actions with PUT /campaigns/{id}/actions, or flow_id"
                )
            case .outdialMissing, .outplanMissing:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    self == .outdialMissing
                        ? "the campaign has no outdial; set outdial_id with PUT /campaigns/{id}/resource_info"
                        : "the campaign has no outplan; set outplan_id with PUT /campaigns/{id}/resource_info"
                )
            case .queueMissing:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    "the campaign's queue is deleted; set queue_id with PUT /campaigns/{id}/resource_info"
                )
            case .flowMissing:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    "the campaign's flow is deleted; set flow_id with PUT /campaigns/{id}"
                )
            case .programTooLarge:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    "the campaign's actions, or those of its flow_id, come to more than \(ProgramSource.sizeLimit) bytes with "
                        + "all flows that are named from there; shorten the texts of these flows, or name fewer of them"
                )
            case .engineCallsOnly:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    "the campaign's route is served by another dialing engine, which places calls and nothing else; set "
                        + "route, of the campaign or of its outplan, to one that a dialer-worker serves, or type to call"
                )
            case .engineWithoutQueue:
                Refusal(
                    .failedPrecondition,
                    rawValue,
                    "the campaign's route is served by another dialing engine, which joins nobody with agents; set route, "
                        + "of the campaign or of its outplan, to one that a dialer-worker serves, or remove queue_id"
                )
            case .noTries:
                .state(
                    "max_try_count_0 to max_try_count_4 of the outplan are all 0, so nobody could be dialed; raise one"
                )
            }
        }
    }

    /// Starts it once `run` holds the claim. Nothing when it runs already.
    package func start(run: Int64) throws(Refusal) -> [CampaignEvent] {
        guard deletedAt == nil else { throw .notFound("CAMPAIGN_NOT_FOUND", "the campaign is deleted") }
        guard status != .run else { return [] }
        guard run > self.run else { throw .state("the campaign changed while it was being started; try again") }
        return skipNext(because: "STARTED_AGAIN", "the campaign was started again first") + [.started(run: run)]
    }

    /// Stops it: at once when no attempt is open, else after the open ones. Nothing when it is stopping or stopped.
    package func stop(openAttempts: Int64, journals: [ID]) -> [CampaignEvent] {
        guard status == .run else { return [] }
        guard openAttempts > 0 else { return [.stopped(run: run, reason: .requested, outdial: settings.outdial)] }
        return [.stopping(run: run, reason: .requested, journals: journals)]
    }

    /// The last open attempt of a stopping campaign is over.
    package func settleStop(openAttempts: Int64) -> [CampaignEvent] {
        guard status == .stopping, openAttempts == 0 else { return [] }
        return [.stopped(run: run, reason: endReason, outdial: settings.outdial)]
    }

    /// outdial-manager says that no target could ever be dialed any more.
    package func exhaust(run: Int64, openAttempts: Int64) -> [CampaignEvent] {
        guard status == .run, run == self.run, openAttempts == 0, settings.endHandle == .stop, !isPaused else {
            return []
        }
        return [.stopped(run: run, reason: .exhausted, outdial: settings.outdial)]
    }

    package func delete(openAttempts: Int64) throws(Refusal) -> [CampaignEvent] {
        guard status == .stop, openAttempts == 0 else {
            throw .state(
                "the campaign is in \(status.rawValue); stop it with PUT /campaigns/{id}/status before deleting it"
            )
        }
        return deletedAt == nil ? [.deleted] : []
    }

    /// The status that a request asks for, after the documents' aliases.
    package static func requestedStatus(_ body: RequestBody) throws(Refusal) -> Status {
        switch try body.text("status") {
        case "run", "running": return .run
        case "stop", "stopped": return .stop
        case let other: throw .invalid("status", "must be run or stop, not \"\(other ?? "")\"")
        }
    }
}
