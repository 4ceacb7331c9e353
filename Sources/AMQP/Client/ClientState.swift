import NIOCore

/// What an `AMQPClient` knows, behind its lock.
struct ClientState {
    /// Transitions: idle -> running -> ending -> ended; idle -> ended.
    enum Phase {
        case idle, running, ending, ended
    }

    /// A consumer as it was asked for.
    struct Consumer {
        let queue: String
        let prefetch: UInt16
        let buffer: DeliveryBuffer
        /// Its channel while it is established.
        var channel: NIOLoopBound<ConsumerChannel>?
    }

    var phase = Phase.idle
    var topology: Topology
    var publishConnection: Connection?
    var consumeConnection: Connection?
    var isTopologyDeclared = false
    var isBlocked = false
    var publisher: (channel: NIOLoopBound<PublishChannel>, mailbox: Mailbox<PublishBatch>)?
    var caller: (channel: NIOLoopBound<CallChannel>, mailbox: Mailbox<PendingCall>)?
    var sender: Mailbox<OutgoingMessage>?
    var consumers: [UInt64: Consumer] = [:]
    var nextConsumer: UInt64 = 0
    /// Tells the consume session of a consumer that came later.
    var announceConsumer: AsyncStream<UInt64>.Continuation?
    /// Why it is not ready, by what failed last.
    var lastError: AMQPError?
    var readySignal = OneShot<Void>()

    init(topology: Topology) { self.topology = topology }

    var isReady: Bool {
        phase == .running && isTopologyDeclared && publisher != nil && caller != nil && sender != nil
            && consumers.values.allSatisfy { $0.channel != nil }
    }

    /// Makes the signal fit what is true now. Called after every change.
    mutating func updateReadiness() {
        let wasReady = readySignal.result != nil
        if isReady, !wasReady {
            lastError = nil
            readySignal.complete(.success(()))
        } else if !isReady, wasReady, phase == .running {
            readySignal = OneShot()
        }
    }
}
