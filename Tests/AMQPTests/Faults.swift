import TestSupport
import Testing

@testable import AMQP

/// Tests that take a broker away from everybody; one after another, on a broker of their own.
@Suite("Faults", .serialized)
enum Faults {
    /// What the tests that kill the broker keep their messages in.
    static let inbox = Queue(name: "inbox", kind: .quorum)
    static let kept = Queue(name: "kept", kind: .quorum)
    static let keptLong = Queue(name: "kept-long", kind: .quorum)

    /// The authority of every certificate here.
    static let certificates = Task { try Certificates() }

    private static let started = Task {
        let certificates = try await Self.certificates.value
        let broker = try await PrivateBroker.start(tls: certificates.server("open", ["DNS:localhost"]))
        try await withClient(broker.url, topology: Topology(queues: [inbox, kept, keptLong])) { client in
            try await client.waitUntilReady(timeout: .seconds(30))
        }
        return (broker: broker, settled: ContinuousClock.now + .seconds(5))
    }

    /// The broker, which speaks TLS as `localhost` too.
    static func broker() async throws -> PrivateBroker { try await started.value.broker }

    /// The broker when it may be killed: what a quorum queue holds may be lost with a kill in the first seconds of the
    /// queue's life, and nothing tells when those are over.
    static func settledBroker() async throws -> PrivateBroker {
        let started = try await started.value
        try await Task.sleep(until: started.settled, clock: .continuous)
        return started.broker
    }
}

extension Certificates {
    /// What a broker needs to be known by `names`.
    func server(_ name: String, _ names: [String], asksForCertificate: Bool = false) throws -> PrivateBroker.TLS {
        let pair = try issue(name, names: names)
        return PrivateBroker.TLS(
            caFile: authority.certificateFile,
            certificateFile: pair.certificateFile,
            keyFile: pair.keyFile,
            asksForCertificate: asksForCertificate
        )
    }
}
