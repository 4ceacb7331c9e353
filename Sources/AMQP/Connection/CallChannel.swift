import DequeModule
import NIOCore

/// A request and who waits for its reply.
struct PendingCall: Sendable {
    var id: String
    var routingKey: String
    var body: [UInt8]
    var deadline: NIODeadline
    var reply: OneShot<[UInt8]>
}

/// The channel for requests with direct reply-to. Confined to its event loop.
///
/// Request and reply need the same channel: the broker remembers the requester by it.
final class CallChannel: ChannelUser {
    private let number: UInt16
    private let handler: ConnectionHandler
    private let loop: NIOIsolatedEventLoop
    private let endedSignal: OneShot<AMQPError>

    private var waiting: Deque<String> = []
    private var calls: [String: (PendingCall, Scheduled<Void>)] = [:]
    private var isEnded = false

    init(number: UInt16, handler: ConnectionHandler, loop: NIOIsolatedEventLoop, ended: OneShot<AMQPError>) {
        self.number = number
        self.handler = handler
        self.loop = loop
        self.endedSignal = ended
    }

    func submit(_ new: [PendingCall]) {
        for call in new {
            guard !isEnded else {
                call.reply.complete(.failure(Self.disconnected))
                continue
            }
            guard calls[call.id] == nil else {
                call.reply.complete(
                    .failure(AMQPError(.invalidArgument, "a call with correlation id '\(call.id)' is under way"))
                )
                continue
            }
            let timer = loop.scheduleTask(deadline: call.deadline) {
                self.finish(
                    call.id,
                    .failure(AMQPError(.timedOut, "no reply from '\(call.routingKey)' within the deadline"))
                )
            }
            calls[call.id] = (call, timer)
            waiting.append(call.id)
        }
        pump()
    }

    /// Forgets a call whose caller no longer waits.
    func abandon(_ id: String) { finish(id, .failure(CancellationError())) }

    func receive(_ content: Content) {
        guard let id = content.properties.correlationID else { return }
        switch content.method {
        case .basicReturn(let code, let text, _, let routingKey):
            finish(id, .failure(AMQPError(.returned, "nobody takes requests at '\(routingKey)': \(code) \(text)")))
        case .basicDeliver:
            finish(id, .success(content.body))
        default: break
        }
    }

    func writabilityChanged() { pump() }

    func ended(_ error: AMQPError) {
        isEnded = true
        for id in Array(calls.keys) {
            finish(
                id,
                .failure(AMQPError(.connectionClosed, "the connection was lost: \(error.message)", underlying: error))
            )
        }
        endedSignal.complete(.success(error))
    }

    /// Requests wait here while the connection is blocked, so that none is carried out long after its deadline.
    private func pump() {
        while handler.mayPublish, let id = waiting.popFirst() {
            guard let call = calls[id]?.0 else { continue }
            let left = max(1, (call.deadline - .now()).nanoseconds / 1_000_000)
            let message = OutgoingMessage(
                routingKey: call.routingKey,
                body: call.body,
                correlationID: id,
                replyTo: Method.directReplyQueue,
                expirationMilliseconds: Int(min(left, Int64(UInt32.max))),
                persistent: false,
                mandatory: true
            )
            do {
                try handler.write(message, channel: number)
            } catch {
                finish(id, .failure(error))
            }
        }
        handler.flush()
    }

    private func finish(_ id: String, _ result: Result<[UInt8], any Error>) {
        guard let (call, timer) = calls.removeValue(forKey: id) else { return }
        timer.cancel()
        call.reply.complete(result)
    }

    static let disconnected = AMQPError(.connectionClosed, "there is no connection to the broker")
}

/// The channel for messages that nobody waits for. Confined to its event loop.
final class SendChannel: ChannelUser {
    /// How many messages wait for a blocked connection; the oldest give way.
    static let limit = 4096

    private let number: UInt16
    private let handler: ConnectionHandler
    private let endedSignal: OneShot<AMQPError>
    private var waiting: Deque<OutgoingMessage> = []

    init(number: UInt16, handler: ConnectionHandler, ended: OneShot<AMQPError>) {
        self.number = number
        self.handler = handler
        self.endedSignal = ended
    }

    func submit(_ messages: [OutgoingMessage]) {
        waiting.append(contentsOf: messages)
        pump()
        if waiting.count > Self.limit { waiting.removeFirst(waiting.count - Self.limit) }
    }

    func writabilityChanged() { pump() }

    func ended(_ error: AMQPError) {
        waiting.removeAll()
        endedSignal.complete(.success(error))
    }

    private func pump() {
        while handler.mayPublish, let message = waiting.popFirst() {
            // A message that cannot be encoded is dropped, as this kind of message may be.
            try? handler.write(message, channel: number)
        }
        handler.flush()
    }
}
