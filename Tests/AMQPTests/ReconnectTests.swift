import TestSupport
import Testing

@testable import AMQP

@Suite("Reconnecting")
struct ReconnectTests {
    @Test func aHundredReconnectsLeaveNothingBehind() async throws {
        try await reconnect(100, firstMark: 40, allowance: 16 << 20)
    }

    @Test(.deep) func aThousandReconnectsLeaveNothingBehind() async throws {
        try await reconnect(1000, firstMark: 200, allowance: 8 << 20)
    }

    /// Cuts the connections `count` times in the middle of publishing and consuming, and compares what the process holds
    /// after `firstMark` times with what it holds in the end.
    private func reconnect(_ count: Int, firstMark: Int, allowance: Int) async throws {
        let broker = try await PrivateBroker.shared.value
        let proxy = try await TCPProxy(to: broker.port)
        let queue = Queue(name: unique("reconnect"), durable: false)
        let url = "amqp://guest:guest@127.0.0.1:\(proxy.port)/%2f"
        let change: (inout AMQPConfiguration) -> Void = { $0.retryDelay = .zero ... .milliseconds(2) }
        try await withClient(url, topology: Topology(queues: [queue]), change: change) { client in
            var deliveries = client.consume(queue: queue.name, prefetch: 100).makeAsyncIterator()
            let messages = (0..<20).map {
                OutgoingMessage(routingKey: queue.name, body: [UInt8($0)], persistent: false)
            }
            var mark = (memory: 0, descriptors: 0)
            let began = ContinuousClock.now
            for round in 0..<count {
                try await eventually("round \(round): both connections are up") {
                    client.isReady && proxy.accepted == 2 * (round + 1)
                }
                if round + 1 == firstMark { mark = try await figures(proxy) }
                #expect(await client.publish([messages[0]], timeout: .seconds(10)) == [.acked])
                let batch = await deliveries.next()
                #expect(batch?.isEmpty == false)
                // The one half of these is acknowledged in vain, the other is on its way when the connections go.
                async let open = client.publish(messages, timeout: .seconds(10))
                batch?.acknowledgeAll()
                if round + 1 < count { proxy.cut() }
                #expect(await open.count == 20)
            }
            let end = try await figures(proxy)
            let (grown, more) = (end.memory - mark.memory, end.descriptors - mark.descriptors)
            print(
                "\(count) reconnects in \(ContinuousClock.now - began): resident memory \(mark.memory >> 10) KiB after"
                    + " \(firstMark) and \(grown >> 10) KiB more in the end; \(more) more descriptors"
            )
            #expect(grown < allowance)
            #expect(more <= 0)
        }
        try await eventually("all connections are closed") {
            try ProcessFigures.connections(toPort: proxy.port) == 0
        }
        try await proxy.stop()
    }

    /// What the process holds when the two connections are there and no more.
    private func figures(_ proxy: TCPProxy) async throws -> (memory: Int, descriptors: Int) {
        try await eventually("what was cut is closed") { try ProcessFigures.connections(toPort: proxy.port) == 2 }
        return (ProcessFigures.residentBytes, ProcessFigures.openDescriptors)
    }
}
