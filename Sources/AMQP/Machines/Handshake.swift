/// The opening of a connection, as a value: methods in, methods out.
struct Handshake: Sendable {
    /// Transitions: awaitingStart -> awaitingTune -> awaitingOpen -> open; any of the first three -> failed.
    enum State: Hashable, Sendable {
        /// The protocol header is out; the server introduces itself.
        case awaitingStart
        /// User and password are out; the server names its limits.
        case awaitingTune
        /// The virtual host is asked for.
        case awaitingOpen
        case open
        case failed
    }

    /// What the shell is to do.
    enum Directive: Hashable, Sendable {
        case send([Method])
        /// The connection may be used.
        case opened
        /// The attempt is over.
        case fail(code: AMQPError.Code, message: String)
    }

    private(set) var state = State.awaitingStart
    /// What was agreed with the server; frame_max is never 0 and never above what is announced.
    private(set) var limits = Method.Limits(channelMax: 2047, frameMax: FrameDecoder.frameMax, heartbeat: 0)

    private let user: String
    private let password: String
    private let virtualHost: String
    private let heartbeatSeconds: UInt16
    private let name: String

    init(_ configuration: AMQPConfiguration) {
        user = configuration.user
        password = configuration.password
        virtualHost = configuration.virtualHost
        heartbeatSeconds = UInt16(clamping: max(1, configuration.heartbeat.components.seconds))
        name = configuration.connectionName
    }

    /// Takes a method of channel 0.
    mutating func receive(_ method: Method) -> Directive {
        switch (state, method) {
        case (.awaitingStart, .connectionStart(let major, let minor, _, let mechanisms)):
            guard major == 0, minor == 9 else {
                return fail(.protocolViolation, "the server speaks AMQP \(major)-\(minor), not 0-9-1")
            }
            guard mechanisms.split(separator: " ").contains("PLAIN") else {
                return fail(.accessRefused, "the broker does not offer PLAIN authentication but '\(mechanisms)'")
            }
            state = .awaitingTune
            let answer = Method.connectionStartOK(
                properties: properties,
                mechanism: "PLAIN",
                response: "\0\(user)\0\(password)"
            )
            return .send([answer])
        case (.awaitingTune, .connectionTune(let offer)):
            limits = agree(offer)
            guard limits.frameMax >= 4096 else {
                return fail(
                    .protocolViolation,
                    "the broker allows frames of \(limits.frameMax) bytes; 4096 is the minimum"
                )
            }
            state = .awaitingOpen
            return .send([.connectionTuneOK(limits), .connectionOpen(virtualHost: virtualHost)])
        case (.awaitingOpen, .connectionOpenOK):
            state = .open
            return .opened
        case (.awaitingStart, .connectionClose(let closing)), (.awaitingTune, .connectionClose(let closing)),
            (.awaitingOpen, .connectionClose(let closing)):
            return refused(closing)
        default:
            return fail(.protocolViolation, "the broker sent something else than the opening demands")
        }
    }

    /// The peer hung up before the connection was open.
    mutating func receiveEnd() -> Directive {
        switch state {
        case .awaitingStart: fail(.connectionFailed, "the peer hung up before it said anything")
        // Brokers without authentication_failure_close tell a wrong password like this.
        case .awaitingTune:
            fail(.accessRefused, "the broker hung up after user '\(user)' was named; is the password right?")
        case .awaitingOpen: fail(.accessRefused, "the broker hung up after virtual host '\(virtualHost)' was asked for")
        case .open, .failed: fail(.connectionClosed, "the peer hung up")
        }
    }

    /// What did not happen in time, for the message of a deadline.
    var waitingFor: String {
        switch state {
        case .awaitingStart: "the broker's greeting"
        case .awaitingTune: "the answer to user and password"
        case .awaitingOpen: "the virtual host"
        case .open, .failed: "nothing"
        }
    }

    private mutating func refused(_ closing: Method.Closing) -> Directive {
        switch closing.code {
        case 403: fail(.accessRefused, "the broker refused user '\(user)': \(closing.code) \(closing.text)")
        case 530:
            fail(.accessRefused, "the broker refused virtual host '\(virtualHost)': \(closing.code) \(closing.text)")
        default: fail(.connectionFailed, "the broker closed the connection: \(closing.code) \(closing.text)")
        }
    }

    private mutating func fail(_ code: AMQPError.Code, _ message: String) -> Directive {
        state = .failed
        return .fail(code: code, message: message)
    }

    private func agree(_ offer: Method.Limits) -> Method.Limits {
        func smaller<T: FixedWidthInteger>(_ own: T, _ theirs: T) -> T { theirs == 0 ? own : min(own, theirs) }
        return Method.Limits(
            channelMax: smaller(2047, offer.channelMax),
            frameMax: smaller(FrameDecoder.frameMax, offer.frameMax),
            // Ours holds even when the server offers none: this side sends heartbeats and watches.
            heartbeat: smaller(heartbeatSeconds, offer.heartbeat)
        )
    }

    private var properties: [String: AMQPFieldValue] {
        [
            "product": "Carillon",
            "platform": "Swift",
            "connection_name": .string(name),
            "capabilities": .table([
                "authentication_failure_close": true,
                "basic.nack": true,
                "connection.blocked": true,
                "consumer_cancel_notify": true,
                "publisher_confirms": true,
            ]),
        ]
    }
}
