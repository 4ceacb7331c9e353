/// A message from a queue. Each is to be acknowledged or rejected once; what is repeated or too late has no effect.
package struct Delivery: Sendable {
    package let body: [UInt8]
    package let exchange: String
    package let routingKey: String
    package let messageID: String?
    package let correlationID: String?
    package let replyTo: String?
    package let contentType: String?
    package let type: String?
    /// The user that published it, as the broker has checked; nil when the publisher did not say.
    package let userID: String?
    package let headers: [String: AMQPFieldValue]
    /// Whether the broker has handed it out before, to anybody.
    package let redelivered: Bool

    /// The number of the message on its channel.
    let tag: UInt64
    /// The channel it came on. Once that is gone, settling has no effect and the broker delivers the message again.
    let settler: any DeliverySettler

    /// Tells the broker that the message is done with.
    package func acknowledge() {
        settler.settle([Settlement(tag: tag, verdict: .acknowledge)])
    }

    /// Gives the message back: to the queue, or else to the dead-letter exchange if there is one, or to nowhere.
    package func reject(requeue: Bool) {
        settler.settle([Settlement(tag: tag, verdict: requeue ? .requeue : .discard)])
    }
}

extension Collection<Delivery> {
    /// Acknowledges all of them with one hand-over per channel; neighbours share one `multiple` acknowledgement.
    package func acknowledgeAll() {
        var index = startIndex
        while index < endIndex {
            let settler = self[index].settler
            var settlements: [Settlement] = []
            while index < endIndex, self[index].settler === settler {
                settlements.append(Settlement(tag: self[index].tag, verdict: .acknowledge))
                formIndex(after: &index)
            }
            settler.settle(settlements)
        }
    }
}

/// What is to happen to one delivery.
struct Settlement: Sendable, Hashable {
    enum Verdict: Sendable, Hashable {
        case acknowledge, requeue, discard
    }

    var tag: UInt64
    var verdict: Verdict
}

/// Takes settlements back to the channel of the deliveries, from any thread and without waiting.
protocol DeliverySettler: AnyObject, Sendable {
    func settle(_ settlements: [Settlement])
}
