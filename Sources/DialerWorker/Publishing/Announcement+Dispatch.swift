import AMQP
package import Contracts
package import Service

extension Announcement {
    /// The announcement as it goes to the broker.
    package func dispatch(_ names: BusNames) -> Dispatch {
        switch self {
        case .item(let item): .toManager(item, .campaign, names: names)
        case .call(let report):
            .message(
                OutgoingMessage(
                    exchange: names.calls,
                    routingKey: report.kind.rawValue,
                    body: report.json.bytes,
                    messageID: report.id?.description,
                    correlationID: report.correlation.description,
                    contentType: "application/cloudevents+json",
                    mandatory: true
                ),
                // Nobody but campaign-manager may be listening, and it must hear: wait until its queue is there.
                isRequired: true
            )
        }
    }
}
