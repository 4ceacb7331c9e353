package import Contracts

extension Campaigncall {
    /// The stored form; what came with later versions is left out where there is none, as in rows of earlier ones.
    package var json: JSONValue {
        var object: JSONObject = [
            "assignment": assignment.json, "phase": .integer(phase.rawValue), "settling": .bool(isSettling),
            "outcome": .optional(outcome?.rawValue), "hangup_reason": .string(hangupReason),
            "hangup_by": .string(hangupBy), "digits": .string(digits), "tm_dialing": .optional(dialedAt),
            "tm_ringing": .optional(ringingAt), "tm_progressing": .optional(answeredAt),
            "tm_hangup": .optional(endedAt), "tm_create": .time(createdAt), "tm_update": .optional(updatedAt),
            "tm_delete": .optional(deletedAt),
        ]
        if let hangupRequestedAt { object.append("tm_hangup_request", .time(hangupRequestedAt)) }
        if !queuecall.isNone { object.append("queuecall_id", .id(queuecall)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let phase = Phase(rawValue: try json.requireInteger("phase")) else { throw JSONError("phase is unknown") }
        self.init(
            assignment: try Assignment(json: json["assignment"]),
            phase: phase,
            isSettling: try json.requireBool("settling"),
            outcome: json["outcome"].string.flatMap { AttemptFinished.Outcome(rawValue: $0) },
            hangupReason: try json.requireString("hangup_reason"),
            hangupBy: try json.requireString("hangup_by"),
            digits: try json.requireString("digits"),
            dialedAt: json.optionalTime("tm_dialing"),
            ringingAt: json.optionalTime("tm_ringing"),
            answeredAt: json.optionalTime("tm_progressing"),
            endedAt: json.optionalTime("tm_hangup"),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete"),
            hangupRequestedAt: json.optionalTime("tm_hangup_request"),
            queuecall: json["queuecall_id"].id ?? .none
        )
    }

    /// The status in the public API's words.
    package var status: String {
        switch phase {
        case .assigned, .dialing, .ringing: "dialing"
        case .answered: "progressing"
        case .done: "done"
        }
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        [
            "id": .id(assignment.id), "customer_id": .id(assignment.customer), "campaign_id": .id(assignment.campaign),
            "outplan_id": .id(assignment.outplan), "outdial_id": .id(assignment.outdial),
            "outdial_target_id": .id(assignment.target), "queue_id": .id(assignment.queue),
            "activeflow_id": .id(answeredAt == nil ? .none : assignment.activeflow), "flow_id": .id(assignment.flow),
            "reference_type": .string(assignment.kind.rawValue),
            "reference_id": .id(assignment.kind == .call ? assignment.call : assignment.activeflow),
            "status": .string(status), "result": .string(result),
            "source": (assignment.source ?? Address(type: "", target: "")).json,
            "destination": assignment.destination.json, "destination_index": .integer(assignment.destinationIndex),
            "try_count": .integer(assignment.tryCount), "hangup_reason": .string(hangupReason),
            "hangup_by": .string(hangupBy), "worker_id": .string(assignment.worker),
            "tm_ringing": .optional(ringingAt), "tm_progressing": .optional(answeredAt),
            "tm_hangup": .optional(endedAt), "tm_create": .time(createdAt), "tm_update": .optional(updatedAt),
            "tm_delete": .optional(deletedAt),
        ]
    }
}

extension Campaigncall.Assignment {
    /// The stored form; `engine` is left out for workers of ours, as in rows of earlier versions.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .id(id), "customer_id": .id(customer), "campaign_id": .id(campaign), "run": .integer(run),
            "outplan_id": .id(outplan), "outdial_id": .id(outdial), "target_id": .id(target), "queue_id": .id(queue),
            "flow_id": .id(flow), "call_id": .id(call), "source": Address.optional(source),
            "destination": destination.json, "destination_index": .integer(destinationIndex),
            "try_count": .integer(tryCount), "worker_id": .string(worker), "journal": .id(journal),
            "dial_timeout": .integer(dialTimeout.count), "max_talk_time": .integer(maximumTalkTime.count),
            "start_by": .time(startBy), "tm_create": .time(createdAt),
        ]
        if !engine.isEmpty { object.append("engine", .string(engine)) }
        if isTest { object.append("test", true) }
        if kind != .call { object.append("kind", .string(kind.rawValue)) }
        if !program.isNone { object.append("program_id", .id(program)) }
        profile.append(to: &object)
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let destination = try Address.stored(json["destination"]) else {
            throw JSONError("destination is missing")
        }
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            campaign: try json.requireID("campaign_id"),
            run: try json.requireInteger("run"),
            outplan: try json.requireID("outplan_id"),
            outdial: try json.requireID("outdial_id"),
            target: try json.requireID("target_id"),
            queue: try json.requireID("queue_id"),
            flow: try json.requireID("flow_id"),
            call: try json.requireID("call_id"),
            source: try Address.stored(json["source"]),
            destination: destination,
            destinationIndex: try json.requireInt("destination_index"),
            tryCount: try json.requireInt("try_count"),
            worker: try json.requireString("worker_id"),
            journal: try json.requireID("journal"),
            engine: json["engine"].string ?? "",
            dialTimeout: Milliseconds(try json.requireInteger("dial_timeout")),
            maximumTalkTime: Milliseconds(try json.requireInteger("max_talk_time")),
            startBy: try json.requireTime("start_by"),
            createdAt: try json.requireTime("tm_create"),
            isTest: json["test"].bool ?? false,
            kind: json["kind"].string.flatMap { DialCommand.Kind(rawValue: $0) } ?? .call,
            program: json["program_id"].id ?? .none,
            profile: TargetProfile(members: json)
        )
    }

    /// The command that places it.
    package var command: DialCommand {
        DialCommand(
            attempt: id,
            call: call,
            // A worker ends the calls of a run that is cancelled: a test belongs to none.
            campaign: isTest ? .none : campaign,
            run: isTest ? 1 : run,
            customer: customer,
            target: target,
            source: source,
            destination: destination,
            destinationIndex: destinationIndex,
            tryCount: tryCount,
            dialTimeout: dialTimeout,
            maximumTalkTime: maximumTalkTime,
            startBy: startBy,
            kind: kind,
            program: program,
            outdial: program.isNone ? .none : outdial,
            profile: profile
        )
    }
}

extension CampaigncallEvent {
    package var type: String {
        switch self {
        case .created: "campaigncall_created"
        case .dialing: "campaigncall_dialing"
        case .ringing: "campaigncall_ringing"
        case .progressing: "campaigncall_progressing"
        case .digits: "campaigncall_digits"
        case .finished: "campaigncall_finished"
        case .lateResultIgnored: "campaigncall_late_result_ignored"
        case .settling: "campaigncall_settling"
        case .claimConfirmed: "campaigncall_claim_confirmed"
        case .resultRepeated: "campaigncall_result_repeated"
        case .reportMissing: "campaigncall_report_missing"
        case .hangupRequested: "campaigncall_hangup_requested"
        case .queueJoined: "campaigncall_queue_joined"
        case .queueRefused: "campaigncall_queue_refused"
        case .deleted: "campaigncall_deleted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let assignment): assignment.json
        case .dialing(let moment), .ringing(let moment), .progressing(let moment): ["at": .time(moment)]
        case .digits(let digits, let moment): ["digits": .string(digits), "at": .time(moment)]
        case .finished(let finished, let by): ["finished": finished.json, "hangup_by": .string(by)]
        case .resultRepeated(let finished): ["finished": finished.json]
        case .lateResultIgnored(let reason, let moment): ["reason": .string(reason), "at": .time(moment)]
        case .settling(let because, let journal): ["because": .string(because), "journal": .id(journal)]
        case .reportMissing(let because): ["because": .string(because)]
        case .hangupRequested(let journal): ["journal": .id(journal)]
        case .queueJoined(let queuecall, let queue): ["queuecall_id": .id(queuecall), "queue_id": .id(queue)]
        case .queueRefused(let queuecall, let queue, let reason, let journal):
            [
                "queuecall_id": .id(queuecall), "queue_id": .id(queue), "reason": .string(reason),
                "journal": .id(journal),
            ]
        case .claimConfirmed, .deleted: [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "campaigncall_created": self = .created(try Campaigncall.Assignment(json: json))
        case "campaigncall_dialing": self = .dialing(at: try json.requireTime("at"))
        case "campaigncall_ringing": self = .ringing(at: try json.requireTime("at"))
        case "campaigncall_progressing": self = .progressing(at: try json.requireTime("at"))
        case "campaigncall_digits": self = .digits(try json.requireString("digits"), at: try json.requireTime("at"))
        case "campaigncall_finished":
            self = .finished(try AttemptFinished(json: json["finished"]), hangupBy: try json.requireString("hangup_by"))
        case "campaigncall_late_result_ignored":
            self = .lateResultIgnored(reason: try json.requireString("reason"), at: try json.requireTime("at"))
        case "campaigncall_settling":
            self = .settling(because: try json.requireString("because"), journal: try json.requireID("journal"))
        case "campaigncall_result_repeated":
            self = .resultRepeated(try AttemptFinished(json: json["finished"]))
        case "campaigncall_report_missing": self = .reportMissing(because: try json.requireString("because"))
        case "campaigncall_claim_confirmed": self = .claimConfirmed
        case "campaigncall_hangup_requested": self = .hangupRequested(journal: try json.requireID("journal"))
        case "campaigncall_queue_joined":
            self = .queueJoined(queuecall: try json.requireID("queuecall_id"), queue: try json.requireID("queue_id"))
        case "campaigncall_queue_refused":
            self = .queueRefused(
                queuecall: try json.requireID("queuecall_id"),
                queue: try json.requireID("queue_id"),
                reason: try json.requireString("reason"),
                journal: try json.requireID("journal")
            )
        case "campaigncall_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
