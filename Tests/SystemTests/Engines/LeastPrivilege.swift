import AMQP
import Contracts
import TestSupport
import Testing

/// What a user of the broker cannot do, tried over real connections, each attempt on one of its own.
struct LeastPrivilege {
    let url: String
    let names = BusNames(prefix: "carillon")

    /// An engine of route `acme` takes its commands and reports calls, and everything else is refused.
    func expectEngineOnly() async throws {
        #expect(try await publish(report("acme-engine")) == .acked)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for queue in [
                names.dial(route: "leaky"), names.undelivered, names.parked, names.webhooks, names.inbox(.campaign),
                names.inbox(.outdial), names.requests(.campaign),
            ] {
                group.addTask { try await expectNoConsumer(of: queue) }
            }
            // Their queues, by the default exchange; their exchange; other keys; another user's name.
            let body = Item.message([])
            for queue in [names.inbox(.campaign), names.inbox(.outdial), names.dial(route: "acme"), names.undelivered] {
                group.addTask { try await expectRefused(OutgoingMessage(routingKey: queue, body: body)) }
            }
            for message in [
                OutgoingMessage(exchange: names.events, routingKey: "campaign_status_stop", body: body),
                OutgoingMessage(exchange: names.calls, routingKey: "anything", body: body),
                report("dialer-worker"),
            ] {
                group.addTask { try await expectRefused(message) }
            }
            group.addTask { try await expectNoDeclaration(Topology(queues: [.init(name: "own")])) }
            group.addTask {
                let binding = Binding(queue: names.dial(route: "acme"), exchange: names.events, routingKey: "#")
                try await expectNoDeclaration(Topology(bindings: [binding]))
            }
            try await group.waitForAll()
        }
    }

    private func report(_ user: String) -> OutgoingMessage {
        let event: JSONValue = [
            "type": "call_ringing", "publisher": "acme", "data": ["id": "11111111-1111-4111-8111-111111111111"],
        ]
        return OutgoingMessage(
            exchange: names.calls,
            routingKey: "call_ringing",
            body: event.bytes,
            mandatory: true,
            userID: user
        )
    }

    private func expectRefused(_ message: OutgoingMessage) async throws {
        let outcome = try await publish(message)
        #expect(outcome == .unknown, "published \(message.exchange) \(message.routingKey)")
    }

    private func publish(_ message: OutgoingMessage) async throws -> PublishOutcome? {
        try await withClient(url, name: "stranger") { client in
            try await client.waitUntilReady(timeout: .seconds(10))
            return await client.publish([message], timeout: .seconds(5)).first
        }
    }

    private func expectNoConsumer(of queue: String) async throws {
        try await withClient(url, name: "stranger") { client in
            _ = client.consume(queue: queue, prefetch: 1)
            do {
                try await client.waitUntilReady(timeout: .milliseconds(1500))
                Issue.record("consumes \(queue)")
            } catch let error as AMQPError {
                #expect("\(error)".contains("refused") || "\(error)".contains("REFUSED"), "\(queue): \(error)")
            }
        }
    }

    private func expectNoDeclaration(_ topology: Topology) async throws {
        try await withClient(url, name: "stranger") { client in
            do {
                try await client.declare(topology, timeout: .seconds(5))
                Issue.record("declares \(topology)")
            } catch let error as AMQPError {
                #expect("\(error)".contains("refused") || "\(error)".contains("REFUSED"), "\(error)")
            }
        }
    }
}
