/// A caller has come to a queue_join: they wait on the worker until an agent is rung or they are told to leave.
package struct QueueEntry: Hashable, Sendable {
    package var attempt: ID
    /// ``ID/queuecall(of:entry:)``.
    package var queuecall: ID
    package var queue: ID
    package var at: Timestamp
    package var journal: ID
    /// The position in the journal.
    package var sequence: Int64

    package init(attempt: ID, queuecall: ID, queue: ID, at: Timestamp, journal: ID, sequence: Int64) {
        self.attempt = attempt
        self.queuecall = queuecall
        self.queue = queue
        self.at = at
        self.journal = journal
        self.sequence = sequence
    }

    package var json: JSONValue {
        [
            "attempt_id": .id(attempt), "queuecall_id": .id(queuecall), "queue_id": .id(queue), "at": .time(at),
            "journal": .id(journal), "sequence": .integer(sequence),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            attempt: try json.requireID("attempt_id"),
            queuecall: try json.requireID("queuecall_id"),
            queue: try json.requireID("queue_id"),
            at: try json.requireTime("at"),
            journal: try json.requireID("journal"),
            sequence: try json.requireInteger("sequence")
        )
    }
}

/// One action that a flow has come to, and what became of it.
package struct ExecutedAction: Hashable, Sendable {
    /// The action's own id; ``ID/none`` when it has none.
    package var id: ID
    package var type: String
    package var at: Timestamp
    /// In a few words; nil when there is nothing to say, or not yet.
    package var result: String?

    package init(id: ID, type: String, at: Timestamp, result: String? = nil) {
        self.id = id
        self.type = type
        self.at = at
        self.result = result
    }

    package var json: JSONValue {
        var object: JSONObject = ["id": .id(id), "type": .string(type), "at": .time(at)]
        if let result { object.append("result", .string(result)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            type: try json.requireString("type"),
            at: try json.requireTime("at"),
            result: json["result"].string
        )
    }
}

/// How far the flow of one attempt has come since it was last told.
package struct FlowProgress: Hashable, Sendable {
    package enum Status: String, Sendable, CaseIterable {
        case running, ended
    }

    package var attempt: ID
    /// ``ID/activeflow(of:)``.
    package var activeflow: ID
    package var status: Status
    /// The action that it is at; nil before the first and after the last.
    package var current: ExecutedAction?
    /// What has been executed since the last progress, in order.
    package var executed: [ExecutedAction]
    package var at: Timestamp
    package var journal: ID
    /// The position in the journal.
    package var sequence: Int64

    package init(
        attempt: ID,
        activeflow: ID,
        status: Status,
        current: ExecutedAction?,
        executed: [ExecutedAction],
        at: Timestamp,
        journal: ID,
        sequence: Int64
    ) {
        self.attempt = attempt
        self.activeflow = activeflow
        self.status = status
        self.current = current
        self.executed = executed
        self.at = at
        self.journal = journal
        self.sequence = sequence
    }

    package var json: JSONValue {
        [
            "attempt_id": .id(attempt), "activeflow_id": .id(activeflow), "status": .string(status.rawValue),
            "current": current?.json ?? .null, "executed": .array(executed.map(\.json)), "at": .time(at),
            "journal": .id(journal), "sequence": .integer(sequence),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let status = Status(rawValue: try json.requireString("status")) else {
            throw JSONError("status must be running or ended")
        }
        var executed: [ExecutedAction] = []
        for action in try json.requireArray("executed") { executed.append(try ExecutedAction(json: action)) }
        self.init(
            attempt: try json.requireID("attempt_id"),
            activeflow: try json.requireID("activeflow_id"),
            status: status,
            current: json["current"].isNull ? nil : try ExecutedAction(json: json["current"]),
            executed: executed,
            at: try json.requireTime("at"),
            journal: try json.requireID("journal"),
            sequence: try json.requireInteger("sequence")
        )
    }
}

/// Somebody does not want to be called any more, and said so in a flow.
package struct OptOut: Hashable, Sendable {
    package var attempt: ID
    package var target: ID
    /// The list that the target is of; ``ID/none`` when the worker was not told.
    package var outdial: ID
    package var customer: ID
    /// The number that was dialed, or another one that the flow named.
    package var number: String
    package var reason: String

    package init(attempt: ID, target: ID, outdial: ID, customer: ID, number: String, reason: String) {
        self.attempt = attempt
        self.target = target
        self.outdial = outdial
        self.customer = customer
        self.number = number
        self.reason = reason
    }

    package var json: JSONValue {
        [
            "attempt_id": .id(attempt), "target_id": .id(target), "outdial_id": .id(outdial),
            "customer_id": .id(customer), "number": .string(number), "reason": .string(reason),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            attempt: try json.requireID("attempt_id"),
            target: try json.requireID("target_id"),
            outdial: try json.requireID("outdial_id"),
            customer: try json.requireID("customer_id"),
            number: try json.requireString("number"),
            reason: try json.requireString("reason")
        )
    }
}

/// Ids that follow from an attempt, so that both sides know them without asking.
extension ID {
    /// The flow that runs for `attempt`.
    package static func activeflow(of attempt: ID) -> ID { attempt.derived(1_000_001) }

    /// The wait of `attempt` in a queue: its first, second … `entry`, counted from 0.
    package static func queuecall(of attempt: ID, entry: Int) -> ID { attempt.derived(2_000_001 + entry) }
}
