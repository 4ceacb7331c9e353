package import Contracts

/// What a flow wants done on a call. Its end comes back as ``CallReport/What/orderDone(_:_:)``, unless the call ends first.
package struct CallOrder: Hashable, Sendable {
    package var attempt: ID
    /// Counts the orders of one attempt; the report names it.
    package var number: Int
    package var what: What

    package init(attempt: ID, number: Int, what: What) {
        self.attempt = attempt
        self.number = number
        self.what = what
    }

    package enum What: Hashable, Sendable {
        /// Find out whether a machine answered: ends as ``CallOrder/Result/machine(_:)``.
        case detectMachine
        /// Ends as ``CallOrder/Result/digits(_:)`` when `endsOnDigits` and a key is pressed.
        case speak(text: String, language: String, endsOnDigits: Bool)
        case play(urls: [String])
        case beep
        /// Until `length` keys (0: no limit), one of `terminators`, or the end of `duration`.
        case collectDigits(length: Int, terminators: String, duration: Milliseconds)
        case sendDigits(String, duration: Milliseconds, interval: Milliseconds)
        /// Also for attempts without a call.
        case pause(Milliseconds)
        case record(isOn: Bool)
        /// Calls all, joins the first who answers with the caller, and ends with that talk.
        case connect([CallLeg])
        /// Calls all for themselves: each reports as an attempt of its own. Has no end.
        case call([CallLeg])
        /// The caller waits for an agent: ends with ``leave``, or with the talk. Music, if the provider has any.
        case hold
        /// Rings an agent for the caller who waits, beside those who ring already; what comes of it is
        /// ``CallReport/What/agentLeg(_:_:)``. The first who answers has the caller: the other rings end with that, and
        /// nothing more is said of them.
        case ring(AgentRing)
        /// The wait is over without an agent. Has no end.
        case leave
        /// Ends the call, whatever happens on it, with this reason and as our side. Has no end but the call's.
        case hangUp(HangupReason)
    }

    package enum Result: Hashable, Sendable {
        case done
        case machine(Bool)
        case digits(String)
        /// `answered` once they have talked, or why nobody did.
        case connected(String)
    }
}

/// A call that a flow places besides that of its attempt.
package struct CallLeg: Hashable, Sendable {
    /// As of a campaign's call; `attempt` and `call` are both the leg's own id, and with a program it runs a flow.
    package var command: DialCommand
    /// The attempt whose flow wants it.
    package var owner: ID

    package init(command: DialCommand, owner: ID) {
        self.command = command
        self.owner = owner
    }
}
