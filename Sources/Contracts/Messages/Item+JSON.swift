extension Item {
    /// The name of each kind on the wire.
    package var kind: String {
        switch body {
        case .dial: "dial"
        case .cancel: "cancel"
        case .settle: "settle"
        case .hangup: "hangup"
        case .program: "program"
        case .ringAgent: "ring_agent"
        case .leaveQueue: "leave_queue"
        case .stopFlow: "stop_flow"
        case .queueJoined: "queue_joined"
        case .agentLeg: "agent_leg"
        case .flowProgress: "flow_progress"
        case .optOut: "opt_out"
        case .workerStatus: "worker_status"
        case .attemptRefused: "attempt_refused"
        case .settled: "settled"
        case .attemptFinished: "attempt_finished"
        case .claimReleased: "claim_released"
        case .planChanged: "plan_changed"
        case .outdialReady: "outdial_ready"
        case .outdialExhausted: "outdial_exhausted"
        }
    }

    package var json: JSONValue {
        var object: JSONObject = ["id": .id(id), "kind": .string(kind), "correlation_id": .id(correlation)]
        switch body {
        case .dial(let command): object.append("dial", command.json)
        case .cancel(let campaign, let run): object.append(campaign: campaign, run: run)
        case .settle(let attempt), .hangup(let attempt), .stopFlow(let attempt):
            object.append("attempt_id", .id(attempt))
        case .workerStatus(let status): object.append("worker", status.json)
        case .attemptRefused(let attempt, let reason, let journal, let sequence):
            object.append("attempt_id", .id(attempt))
            object.append("reason", .string(reason))
            object.append("journal", .id(journal))
            object.append("sequence", .integer(sequence))
        case .settled(let attempt, let state, let journal):
            object.append("attempt_id", .id(attempt))
            object.append("state", .string(state.rawValue))
            object.append("journal", .id(journal))
        case .program(let program): object.append("program", program.json)
        case .ringAgent(let ring): object.append("ring", ring.json)
        case .leaveQueue(let attempt, let queuecall, let reason):
            object.append("attempt_id", .id(attempt))
            object.append("queuecall_id", .id(queuecall))
            object.append("reason", .string(reason))
        case .queueJoined(let entry): object.append("entry", entry.json)
        case .agentLeg(let report): object.append("leg", report.json)
        case .flowProgress(let progress): object.append("progress", progress.json)
        case .optOut(let optOut): object.append("opt_out", optOut.json)
        case .attemptFinished(let finished): object.append("finished", finished.json)
        case .claimReleased(let outdial, let campaign, let run), .outdialReady(let outdial, let campaign, let run),
            .outdialExhausted(let outdial, let campaign, let run):
            object.append("outdial_id", .id(outdial))
            object.append(campaign: campaign, run: run)
        case .planChanged(let outdial, let campaign, let run, let plan):
            object.append("outdial_id", .id(outdial))
            object.append(campaign: campaign, run: run)
            object.append("plan", plan.json)
        }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            correlation: try json.requireID("correlation_id"),
            body: try Body(kind: try json.requireString("kind"), json: json)
        )
    }

    /// The bytes of one message that carries `items` in order.
    package static func message(_ items: [Item]) -> [UInt8] {
        let document: JSONValue = ["items": .array(items.map(\.json))]
        return document.bytes
    }

    /// The items of a message; throws when it is not one.
    package static func items(of message: [UInt8]) throws(JSONError) -> [Item] {
        try items(of: try JSONValue(parsing: message))
    }

    /// The items of a message that was parsed already.
    package static func items(of document: JSONValue) throws(JSONError) -> [Item] {
        var items: [Item] = []
        for json in try document.requireArray("items") { items.append(try Item(json: json)) }
        return items
    }
}

extension Item.Body {
    fileprivate init(kind: String, json: JSONValue) throws(JSONError) {
        switch kind {
        case "dial": self = .dial(try DialCommand(json: json["dial"]))
        case "cancel": self = .cancel(campaign: try json.requireID("campaign_id"), run: try json.requireInteger("run"))
        case "settle": self = .settle(attempt: try json.requireID("attempt_id"))
        case "hangup": self = .hangup(attempt: try json.requireID("attempt_id"))
        case "program": self = .program(try Program(json: json["program"]))
        case "ring_agent": self = .ringAgent(try AgentRing(json: json["ring"]))
        case "leave_queue":
            self = .leaveQueue(
                attempt: try json.requireID("attempt_id"),
                queuecall: try json.requireID("queuecall_id"),
                reason: try json.requireString("reason")
            )
        case "stop_flow": self = .stopFlow(attempt: try json.requireID("attempt_id"))
        case "queue_joined": self = .queueJoined(try QueueEntry(json: json["entry"]))
        case "agent_leg": self = .agentLeg(try AgentLegReport(json: json["leg"]))
        case "flow_progress": self = .flowProgress(try FlowProgress(json: json["progress"]))
        case "opt_out": self = .optOut(try OptOut(json: json["opt_out"]))
        case "worker_status": self = .workerStatus(try WorkerStatus(json: json["worker"]))
        case "attempt_refused":
            self = .attemptRefused(
                attempt: try json.requireID("attempt_id"),
                reason: try json.requireString("reason"),
                journal: try json.requireID("journal"),
                sequence: try json.requireInteger("sequence")
            )
        case "settled":
            guard let state = Item.SettledState(rawValue: try json.requireString("state")) else {
                throw JSONError("state must be claimed or refused")
            }
            self = .settled(
                attempt: try json.requireID("attempt_id"),
                state: state,
                journal: try json.requireID("journal")
            )
        case "attempt_finished": self = .attemptFinished(try AttemptFinished(json: json["finished"]))
        case "claim_released", "plan_changed", "outdial_ready", "outdial_exhausted":
            self = try Item.Body.claim(kind: kind, json: json)
        default: throw JSONError("kind \(kind) is not known")
        }
    }

    private static func claim(kind: String, json: JSONValue) throws(JSONError) -> Item.Body {
        let outdial = try json.requireID("outdial_id")
        let campaign = try json.requireID("campaign_id")
        let run = try json.requireInteger("run")
        switch kind {
        case "claim_released": return .claimReleased(outdial: outdial, campaign: campaign, run: run)
        case "outdial_ready": return .outdialReady(outdial: outdial, campaign: campaign, run: run)
        case "outdial_exhausted": return .outdialExhausted(outdial: outdial, campaign: campaign, run: run)
        default:
            let plan = try DialPlan(json: json["plan"])
            return .planChanged(outdial: outdial, campaign: campaign, run: run, plan: plan)
        }
    }
}

extension JSONObject {
    fileprivate mutating func append(campaign: ID, run: Int64) {
        append("campaign_id", .id(campaign))
        append("run", .integer(run))
    }
}

extension DialCommand {
    package var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "call_id": .id(call), "campaign_id": .id(campaign), "run": .integer(run),
            "customer_id": .id(customer), "target_id": .id(target), "source": .optional(source),
            "destination": destination.json, "destination_index": .integer(destinationIndex),
            "try_count": .integer(tryCount), "dial_timeout": .integer(dialTimeout.count),
            "max_talk_time": .integer(maximumTalkTime.count), "start_by": .time(startBy),
        ]
        if kind != .call { object.append("kind", .string(kind.rawValue)) }
        if !program.isNone { object.append("program_id", .id(program)) }
        if !outdial.isNone { object.append("outdial_id", .id(outdial)) }
        profile.append(to: &object)
        if case .clear(let lists) = screening, !lists.isEmpty { object.append("dnc_lists", ListVersion.json(lists)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let destination = try Address.stored(json["destination"]) else {
            throw JSONError("destination is missing")
        }
        guard let kind = Kind(rawValue: json["kind"].string ?? "call") else {
            throw JSONError("kind must be one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.init(
            attempt: try json.requireID("attempt_id"),
            call: try json.requireID("call_id"),
            campaign: try json.requireID("campaign_id"),
            run: try json.requireInteger("run"),
            customer: try json.requireID("customer_id"),
            target: try json.requireID("target_id"),
            source: try Address.stored(json["source"]),
            destination: destination,
            destinationIndex: try json.requireInt("destination_index"),
            tryCount: try json.requireInt("try_count"),
            dialTimeout: Milliseconds(try json.requireInteger("dial_timeout")),
            maximumTalkTime: Milliseconds(try json.requireInteger("max_talk_time")),
            startBy: try json.requireTime("start_by"),
            kind: kind,
            program: json["program_id"].id ?? .none,
            outdial: json["outdial_id"].id ?? .none,
            profile: TargetProfile(members: json)
        )
        if !json["dnc_lists"].isNull { screening = .clear(ListVersion.list(json["dnc_lists"])) }
    }
}

extension JSONValue {
    fileprivate static func optional(_ address: Address?) -> JSONValue { Address.optional(address) }
}

extension WorkerStatus {
    package var json: JSONValue {
        [
            "worker_id": .string(worker), "journal": .id(journal), "process": .id(process), "route": .string(route),
            "channels": .integer(channels), "free": .integer(free), "version": .string(version),
            "sequence": .integer(sequence), "leaving": .bool(isLeaving),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            worker: try json.requireString("worker_id"),
            journal: try json.requireID("journal"),
            process: try json.requireID("process"),
            route: try json.requireString("route"),
            channels: try json.requireInt("channels"),
            free: try json.requireInt("free"),
            version: try json.requireString("version"),
            sequence: try json.requireInteger("sequence"),
            isLeaving: json["leaving"].bool ?? false
        )
    }
}

extension AttemptFinished {
    package var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "target_id": .id(target), "outdial_id": .id(outdial),
            "outcome": .string(outcome.rawValue), "result": .string(result), "reason": .string(reason),
            "ended_at": .time(endedAt),
        ]
        if let mayTalkUntil { object.append("may_talk_until", .time(mayTalkUntil)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let outcome = Outcome(rawValue: try json.requireString("outcome")) else {
            throw JSONError("outcome must be placed, not_placed or cancelled")
        }
        self.init(
            attempt: try json.requireID("attempt_id"),
            target: try json.requireID("target_id"),
            outdial: try json.requireID("outdial_id"),
            outcome: outcome,
            result: try json.requireString("result"),
            reason: try json.requireString("reason"),
            endedAt: try json.requireTime("ended_at"),
            mayTalkUntil: json.optionalTime("may_talk_until")
        )
    }
}

extension DialPlan {
    package var json: JSONValue {
        var object: JSONObject = [
            "max_try_counts": .array(maximumTries.map { .integer($0) }), "try_interval": .integer(tryInterval.count),
        ]
        hours.append(to: &object)
        if minimumInterval > 0 { object.append("min_interval_per_number", .integer(minimumInterval.count)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        let counts = try json.requireArray("max_try_counts").compactMap { $0.integer.map(Int.init) }
        guard counts.count == 5 else { throw JSONError("max_try_counts must be five whole numbers") }
        self.init(
            maximumTries: counts,
            tryInterval: Milliseconds(try json.requireInteger("try_interval")),
            hours: try CallingHours(json: json),
            minimumInterval: Milliseconds(json["min_interval_per_number"].integer ?? 0)
        )
    }
}

extension Lease {
    package var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "target_id": .id(target), "destination": destination.json,
            "destination_index": .integer(destinationIndex), "try_count": .integer(tryCount),
        ]
        profile.append(to: &object)
        if let startBy { object.append("start_by", .time(startBy)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let destination = try Address.stored(json["destination"]) else {
            throw JSONError("destination is missing")
        }
        self.init(
            attempt: try json.requireID("attempt_id"),
            target: try json.requireID("target_id"),
            destination: destination,
            destinationIndex: try json.requireInt("destination_index"),
            tryCount: try json.requireInt("try_count"),
            profile: TargetProfile(members: json),
            startBy: json.optionalTime("start_by")
        )
    }
}
