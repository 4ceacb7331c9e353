package import Contracts

/// The simulator's transport: messages and mails become lines of a file, one JSON document each.
///
/// Without a file they are taken and kept nowhere, as calls are without a ledger.
package final class Outbox: MessageTransport {
    private let file: Ledger?
    private let worker: String
    private let clock: @Sendable () -> Timestamp

    package init(file: Ledger?, worker: String, clock: @escaping @Sendable () -> Timestamp) {
        self.file = file
        self.worker = worker
        self.clock = clock
    }

    package func send(_ errands: [FlowErrand]) -> [String?] {
        let time = clock()
        let lines = errands.map { line(of: $0, at: time) }
        guard let file else { return lines.map { _ in nil } }
        let (count, failure) = file.append(documents: lines)
        return lines.indices.map { $0 < count ? nil : failure?.description ?? "the outbox cannot be written" }
    }

    private func line(of errand: FlowErrand, at time: Timestamp) -> JSONValue {
        var line: JSONObject = [
            "time": .string(time.rfc3339), "attempt_id": .id(errand.attempt), "campaign_id": .id(errand.campaign),
            "customer_id": .id(errand.customer), "target_id": .id(errand.target), "worker_id": .string(worker),
        ]
        switch errand.what {
        case .message(let source, let destinations, let text):
            line.append("kind", "message")
            line.append("source", Address.optional(source))
            line.append("destinations", .array(destinations.map(\.json)))
            line.append("text", .string(text))
        case .email(let destinations, let subject, let content, let attachments):
            line.append("kind", "email")
            line.append("destinations", .array(destinations.map(\.json)))
            line.append("subject", .string(subject))
            line.append("content", .string(content))
            line.append("attachments", .array(attachments))
        case .web: line.append("kind", "web")
        }
        return .object(line)
    }
}
