package import Contracts

/// The provider's call of an attempt, as the public API shows calls.
extension Campaigncall {
    /// The call's status in the public API's words.
    package var callStatus: String {
        let isEnding = hangupRequestedAt != nil
        switch phase {
        case .assigned, .dialing: return isEnding ? "canceling" : "dialing"
        case .ringing: return isEnding ? "canceling" : "ringing"
        case .answered: return isEnding ? "terminating" : "progressing"
        case .done: return "hangup"
        }
    }

    /// The public object of the call, times as microseconds; what campaigns do not know of is empty.
    package var callResource: JSONValue {
        [
            "id": .id(assignment.call), "customer_id": .id(assignment.customer), "owner_type": "",
            "owner_id": .id(.none), "flow_id": .id(assignment.flow),
            "activeflow_id": .id(answeredAt == nil ? .none : assignment.activeflow),
            "type": "",
            "master_call_id": .id(.none), "chained_call_ids": [], "recording_id": .id(.none), "recording_ids": [],
            "groupcall_id": .id(.none), "source": (assignment.source ?? Address(type: "", target: "")).json,
            "destination": assignment.destination.json, "status": .string(callStatus), "action": [:],
            "direction": "outgoing", "mute_direction": "", "hangup_by": .string(hangupBy),
            "hangup_reason": .string(hangupReason), "metadata": assignment.isTest ? ["test_call": true] : [:],
            "campaign_id": .id(assignment.campaign),
            "campaigncall_id": .id(assignment.id), "tm_progressing": .optional(answeredAt),
            "tm_ringing": .optional(ringingAt), "tm_hangup": .optional(endedAt), "tm_create": .time(createdAt),
            "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
    }
}
