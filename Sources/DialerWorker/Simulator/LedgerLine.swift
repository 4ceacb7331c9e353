package import Contracts

/// One placed call as the ledger keeps it: the ground truth that the logs are compared with.
package struct LedgerLine: Hashable, Sendable {
    package var time: Timestamp
    package var command: DialCommand
    package var worker: String
    /// The attempt whose flow placed it; nil for the call of an attempt itself.
    package var owner: ID?

    package init(time: Timestamp, command: DialCommand, worker: String, owner: ID? = nil) {
        self.time = time
        self.command = command
        self.worker = worker
        self.owner = owner
    }

    /// The line's document; the number is not masked, since tests look for it.
    package var json: JSONValue {
        var line: JSONObject = [
            "time": .string(time.rfc3339), "attempt_id": .id(command.attempt), "call_id": .id(command.call),
            "campaign_id": .id(command.campaign), "target_id": .id(command.target),
            "number": .string(command.destination.target), "destination_index": .integer(command.destinationIndex),
            "try_count": .integer(command.tryCount), "worker_id": .string(worker),
        ]
        if let owner { line.append("leg_of", .id(owner)) }
        return .object(line)
    }
}
