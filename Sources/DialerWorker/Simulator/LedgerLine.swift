package import Contracts

/// One placed call as the ledger keeps it: the ground truth that the logs are compared with.
package struct LedgerLine: Hashable, Sendable {
    package var time: Timestamp
    package var command: DialCommand
    package var worker: String

    package init(time: Timestamp, command: DialCommand, worker: String) {
        self.time = time
        self.command = command
        self.worker = worker
    }

    /// The line's document; the number is not masked, since tests look for it.
    package var json: JSONValue {
        [
            "time": .string(time.rfc3339), "attempt_id": .id(command.attempt), "call_id": .id(command.call),
            "campaign_id": .id(command.campaign), "target_id": .id(command.target),
            "number": .string(command.destination.target), "destination_index": .integer(command.destinationIndex),
            "try_count": .integer(command.tryCount), "worker_id": .string(worker),
        ]
    }

    /// Appends the line with its newline.
    package func write(into output: inout [UInt8]) {
        json.write(into: &output)
        output.append(UInt8(ascii: "\n"))
    }
}
