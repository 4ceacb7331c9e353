package import Contracts

/// What somebody else has to do for a flow; its variables are put in.
package enum FlowInstruction: Hashable, Sendable {
    case answer
    /// Find out whether a machine answered.
    case detectMachine
    /// When it does not have to be awaited, the flow goes on while it is spoken.
    case speak(text: String, language: String, endsOnDigits: Bool, isAwaited: Bool)
    case play(urls: [String])
    case beep
    /// Until `length` keys (0: no limit), one of `terminators`, or the end of `duration`.
    case collectDigits(length: Int, terminators: String, duration: Milliseconds)
    case sendDigits(String, duration: Milliseconds, interval: Milliseconds)
    case pause(Milliseconds)
    /// Call these and join the first who answers with the caller.
    case connect(source: Address?, destinations: [Address])
    case joinQueue(ID)
    /// Call these, with a flow of their own; nobody waits for them.
    case call(source: Address?, destinations: [Address], actions: [FlowAction])
    /// End the call; the flow is over.
    case hangUp(reason: HangupReason)
    case record(isOn: Bool)
    case sendMessage(source: Address?, destinations: [Address], text: String)
    case sendEmail(destinations: [Address], subject: String, content: String, attachments: [JSONValue])
    case sendWebhook(WebMessage)
    /// Bring further actions.
    case fetch(WebMessage)

    /// Whether the flow goes on at once: somebody does it, and nobody waits for it.
    package var isForgotten: Bool {
        switch self {
        case .call, .hangUp: true
        case .speak(_, _, _, let isAwaited): !isAwaited
        case .sendWebhook(let message): !message.isAwaited
        default: false
        }
    }
}

/// A request to somebody's web server.
package struct WebMessage: Hashable, Sendable {
    package var method: String
    package var url: String
    package var contentType: String
    package var body: String
    /// Whether the flow waits for the answer.
    package var isAwaited: Bool

    package init(method: String, url: String, contentType: String = "", body: String = "", isAwaited: Bool = true) {
        self.method = method
        self.url = url
        self.contentType = contentType
        self.body = body
        self.isAwaited = isAwaited
    }
}

/// What became of an instruction.
package enum FlowOutcome: Hashable, Sendable {
    /// It is done; `result` in a few words, or nil.
    case done(result: String?)
    case machine(Bool)
    case digits(String)
    /// How the talk with those who were connected came about and ended: `answered`, or the reason that nobody did.
    case connected(result: String)
    /// The server's status and what it sent.
    case answered(status: Int, body: String)
    /// It did not work: the flow goes on.
    case failed(reason: String)
}

/// What a run did until it had to wait, or ended.
package struct FlowStep: Hashable, Sendable {
    /// The actions that are over, in order.
    package var executed: [ExecutedAction] = []
    /// To be done now, in order; when the last one is not ``FlowInstruction/isForgotten``, the run waits for its outcome.
    package var instructions: [FlowInstruction] = []
    /// The variables that were set, by name.
    package var variables: [String: String] = [:]
    /// What `carillon.opt_out` was set to: `true` or a number.
    package var optOuts: [String] = []
    package var isEnded = false

    package init() {}
}
