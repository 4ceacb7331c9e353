package import Contracts

/// One action as it is stored: `{id, next_id, type, option}`.
package struct FlowAction: Hashable, Sendable {
    /// ``ID/none`` when it has none: then nothing can jump to it.
    package var id: ID
    /// What follows instead of the next of the list; ``ID/none``: the next of the list.
    package var next: ID
    package var type: String
    package var option: JSONValue

    package init(id: ID = .none, next: ID = .none, type: String, option: JSONValue = [:]) {
        self.id = id
        self.next = next
        self.type = type
        self.option = option
    }

    /// Nil for what is no action.
    package init?(json: JSONValue) {
        guard let type = json["type"].string else { return nil }
        self.init(id: json["id"].id ?? .none, next: json["next_id"].id ?? .none, type: type, option: json["option"])
    }

    package static func list(_ json: [JSONValue]) -> [FlowAction] { json.compactMap { FlowAction(json: $0) } }

    /// What needs a live call: a flow without one skips it.
    package static let needingCall: Set<String> = [
        "answer", "amd", "talk", "play", "beep", "digits_receive", "condition_call_digits", "digits_send",
        "condition_call_status", "connect", "queue_join", "conference_join", "confbridge_join", "hangup",
        "recording_start", "recording_stop", "transcribe_start", "transcribe_stop", "external_media_start",
        "external_media_stop", "mute", "echo", "stream_echo",
    ]
}

/// The ids that jumps may name besides those of actions.
package enum ReservedAction {
    /// The first action of the list.
    package static let start = ID(high: 0, low: 1)
    /// The end of the flow.
    package static let finish = ID(high: 0, low: 2)
    /// The next action of the list, as ``ID/none``.
    package static let next = ID(high: 0, low: 3)
}

/// What runs: the actions, the flows that they name, and the variables that every run of it begins with.
package struct FlowProgram: Sendable {
    package var actions: [FlowAction]
    package var flows: [ID: [FlowAction]]
    package var variables: [String: String]

    package init(actions: [FlowAction], flows: [ID: [FlowAction]] = [:], variables: [String: String] = [:]) {
        self.actions = actions
        self.flows = flows
        self.variables = variables
    }

    package init(_ program: Program) {
        self.init(
            actions: FlowAction.list(program.actions),
            flows: program.flows.mapValues(FlowAction.list),
            variables: program.variables
        )
    }
}
