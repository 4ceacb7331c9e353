import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import AMQP

extension Faults {
    @Suite("TLS")
    struct TLSTests {
        /// Knows those who show a certificate, as 127.0.0.2. The other broker takes everybody who trusts the authority.
        private static let asking = Task {
            let tls = try await Faults.certificates.value.server(
                "asking",
                ["IP:127.0.0.2", "DNS:broker.invalid"],
                asksForCertificate: true
            )
            return try await PrivateBroker.start(tls: tls)
        }

        /// Gives the address of the broker that asks for a certificate: the one that its own certificate names.
        private func withAsking<Result: Sendable>(_ body: (String) async throws -> Result) async throws -> Result {
            let proxy = try await TCPProxy(to: Self.asking.value.tlsPort, host: "127.0.0.2")
            let result = try await body("127.0.0.2:\(proxy.port)")
            try await proxy.stop()
            return result
        }

        private func withTLSClient(
            _ host: String,
            _ options: TLSOptions,
            _ body: (AMQPClient) async throws -> Void
        ) async throws {
            try await withClient("amqps://guest:guest@\(host)", change: { $0.tls = options }, body)
        }

        /// What keeps a client from becoming ready.
        private func failure(_ host: String, _ options: TLSOptions) async throws -> AMQPError {
            let configuration = try {
                var configuration = try AMQPConfiguration(url: "amqps://guest:guest@\(host)", connectionName: "test")
                configuration.tls = options
                configuration.connectTimeout = .seconds(2)
                return configuration
            }()
            let began = ContinuousClock.now
            let error = await #expect(throws: AMQPError.self) {
                _ = try await Connection.open(configuration, host: configuration.hosts[0])
            }
            #expect(ContinuousClock.now - began < .seconds(7))
            return try #require(error)
        }

        /// Publishes and consumes messages small and large.
        private func exchangeMessages(_ client: AMQPClient) async throws {
            let queue = Queue(name: unique("tls"))
            try await client.waitUntilReady(timeout: .seconds(20))
            try await client.declare(Topology(queues: [queue]), timeout: .seconds(10))
            let bodies = [[], [1], (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }]
            let outcomes = await client.publish(
                bodies.map { OutgoingMessage(routingKey: queue.name, body: $0) },
                timeout: .seconds(10)
            )
            #expect(outcomes == [.acked, .acked, .acked])
            var received: [[UInt8]] = []
            for await batch in client.consume(queue: queue.name, prefetch: 10) {
                received += batch.map(\.body)
                batch.acknowledgeAll()
                if received.count >= bodies.count { break }
            }
            #expect(received == bodies)
        }

        @Test func aTrustedAuthorityIsEnough() async throws {
            let certificates = try await Faults.certificates.value
            let broker = try await Faults.broker()
            let options = TLSOptions(caFile: certificates.authority.certificateFile)
            try await withTLSClient("localhost:\(broker.tlsPort)", options) { try await exchangeMessages($0) }
        }

        @Test func aClientCertificateIsShownWhenAskedFor() async throws {
            let certificates = try await Faults.certificates.value
            let client = try certificates.issue("client")
            let options = TLSOptions(
                caFile: certificates.authority.certificateFile,
                certificateFile: client.certificateFile,
                keyFile: client.keyFile
            )
            try await withAsking { try await withTLSClient($0, options) { try await exchangeMessages($0) } }
        }

        @Test func aMissingClientCertificateIsSaid() async throws {
            let certificates = try await Faults.certificates.value
            let options = TLSOptions(caFile: certificates.authority.certificateFile)
            let error = try await withAsking { try await failure($0, options) }
            #expect(error.code == .tlsFailed)
            #expect(error.message.contains("asks for a client certificate"), "\(error.message)")
        }

        @Test func aClientCertificateOfAnotherAuthorityIsSaid() async throws {
            let certificates = try await Faults.certificates.value
            let strangers = try Certificates()
            let stranger = try strangers.issue("stranger")
            let options = TLSOptions(
                caFile: certificates.authority.certificateFile,
                certificateFile: stranger.certificateFile,
                keyFile: stranger.keyFile
            )
            let error = try await withAsking { try await failure($0, options) }
            #expect(error.code == .tlsFailed)
            #expect(error.message.contains("refused the client certificate"), "\(error.message)")
            withExtendedLifetime(strangers) {}
        }

        @Test(arguments: [true, false])
        func anAuthorityThatIsNotTrustedIsSaidWithTheRemedy(other: Bool) async throws {
            let broker = try await Faults.broker()
            let stranger = other ? try Certificates() : nil
            let options = TLSOptions(caFile: stranger?.authority.certificateFile)
            let error = try await failure("localhost:\(broker.tlsPort)", options)
            #expect(error.code == .tlsFailed)
            #expect(!error.isRetriable)
            #expect(error.message.contains("give that authority's certificate as CA file"), "\(error.message)")
            withExtendedLifetime(stranger) {}
        }

        @Test func aWrongHostNameIsSaid() async throws {
            let certificates = try await Faults.certificates.value
            let broker = try await Faults.broker()
            let asking = try await Self.asking.value
            let options = TLSOptions(caFile: certificates.authority.certificateFile)
            let name = try await failure("localhost:\(asking.tlsPort)", options)
            #expect(name.code == .tlsFailed)
            #expect(name.message.contains("not for this host name"), "\(name.message)")
            #expect(name.message.contains("localhost"), "\(name.message)")
            let address = try await failure("127.0.0.1:\(broker.tlsPort)", options)
            #expect(address.code == .tlsFailed)
            #expect(address.message.contains("127.0.0.1"), "\(address.message)")
        }

        @Test func theWrongKindOfPortIsSaidInTime() async throws {
            let certificates = try await Faults.certificates.value
            let broker = try await Faults.broker()
            let options = TLSOptions(caFile: certificates.authority.certificateFile)
            let toPlain = try await failure("localhost:\(broker.port)", options)
            #expect(toPlain.message.contains("speak TLS"), "\(toPlain.message)")

            let plain = try AMQPConfiguration(url: "amqp://localhost:\(broker.tlsPort)", connectionName: "test")
            let began = ContinuousClock.now
            let toTLS = await #expect(throws: AMQPError.self) {
                try await Connection.open(plain, host: plain.hosts[0])
            }
            #expect(toTLS?.message.contains("use amqps://") == true, "\(toTLS?.message ?? "")")
            #expect(ContinuousClock.now - began < .seconds(7))
        }

        @Test func aPeerThatIsSilentInTheHandshakeIsGivenUp() async throws {
            let hole = try await FakeBroker { _, _ in .deaf }
            defer { hole.stop() }
            let error = try await failure("127.0.0.1:\(hole.port)", TLSOptions())
            #expect(error.isRetriable)
            try await eventually("the connection is closed") { try ProcessFigures.connections(toPort: hole.port) == 0 }
        }

        @Test func filesThatCannotBeReadAreNamed() async throws {
            let certificates = try await Faults.certificates.value
            let client = try certificates.issue("client")
            let pair = client
            for (options, part) in [
                (TLSOptions(caFile: "/does/not/exist.pem"), "CA file"),
                (TLSOptions(certificateFile: "/does/not/exist.pem", keyFile: pair.keyFile), "certificate file"),
                (TLSOptions(certificateFile: pair.certificateFile, keyFile: "/does/not/exist.key"), "key file"),
            ] {
                let error = try await failure("localhost:1", options)
                #expect(error.code == .tlsFailed)
                #expect(error.message.contains(part), "\(error.message)")
                #expect(error.message.contains("/does/not/exist"), "\(error.message)")
            }
        }

        @Test func aKilledBrokerOverTLSComesBack() async throws {
            let certificates = try await Faults.certificates.value
            let broker = try await Faults.broker()
            let proxy = try await TCPProxy(to: broker.tlsPort)
            let options = TLSOptions(caFile: certificates.authority.certificateFile)
            try await withTLSClient("localhost:\(proxy.port)", options) { client in
                try await client.waitUntilReady(timeout: .seconds(20))
                for round in 1...5 {
                    proxy.cut()
                    try await eventually("it is back") { client.isReady && proxy.accepted == round + 1 }
                }
                let error = client.state.withLockedValue(\.lastError)
                #expect(error == nil)
                try await exchangeMessages(client)
            }
            try await proxy.stop()
        }
    }
}
