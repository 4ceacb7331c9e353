import Contracts

/// The part of a dial command that a simulated flow needs.
struct FlowCaller: Sendable {
    var number: String
    var tryCount: Int
    var maximumTalkTime: Milliseconds

    init(_ command: DialCommand) {
        number = command.destination.target
        tryCount = command.tryCount
        maximumTalkTime = command.maximumTalkTime
    }
}

/// Somebody on an answered call that runs a flow: they listen, press keys, wait, talk, and hang up when it is too much.
struct Party: Sendable {
    var caller: FlowCaller
    /// The keys that they press whenever they are asked for some.
    var keys: String
    var isMachine: Bool
    var patience: Milliseconds
    /// How much longer they listen to a machine, in microseconds of the simulator's clock; nil: for ever.
    var tolerance: Int64?
    /// The timer of the end of that, while it runs, and when it is due.
    var leaving: (timer: UInt64, due: Int64)?
    /// When the call has lasted as long as any may.
    var cutAt: Int64
    /// The order under way.
    var order: Int?
    /// The timer of their patience while they wait for an agent.
    var waiting: UInt64?
    /// The agents who are rung for them, or the one who talks to them, by the calls to these.
    var agents: [ID: AgentRing] = [:]
    /// The calls that ring for them, by their ids, with what becomes of each.
    var legs: [ID: CallPlan] = [:]
}

/// What becomes due on a flow.
struct Timer: Sendable {
    enum What: Sendable {
        /// The caller has heard enough.
        case leave
        /// The call has lasted as long as any may.
        case cut
        case finish(Int, CallOrder.Result)
        /// The end of a pause of a flow without a call.
        case wake(Int)
        /// Keys are pressed; the order goes on unless these were all.
        case press(Int, String, isLast: Bool)
        case losePatience
        case legAnswer(ID, Int)
        case talkEnd(Int)
        case agentAnswer(ID, AgentBehaviour)
        case agentTalkEnd(ID, byCaller: Bool)
    }

    var attempt: ID
    var what: What
}

extension SimulatedCalls {
    /// Begins what a flow wants; what happens at once is in the reports.
    package mutating func perform(_ order: CallOrder, at now: Int64, reports: inout [CallReport]) {
        if case .pause(let length) = order.what {
            let hasParty = parties[order.attempt] != nil
            parties[order.attempt]?.order = order.number
            let end: Timer.What = hasParty ? .finish(order.number, .done) : .wake(order.number)
            schedule(order.attempt, end, now, after: length)
            return
        }
        guard let party = parties[order.attempt] else { return }
        switch order.what {
        case .hangUp(let reason): _ = endParty(order.attempt, reason, .local, &reports)
        case .ring(let ring): self.ring(ring, at: now, &reports)
        case .leave: stopWaiting(order.attempt, at: now)
        case .call, .pause: break
        default:
            parties[order.attempt]?.order = order.number
            begin(order, party, at: now, &reports)
        }
    }

    private mutating func begin(_ order: CallOrder, _ party: Party, at now: Int64, _ reports: inout [CallReport]) {
        let (attempt, number) = (order.attempt, order.number)
        func after(_ length: Milliseconds, _ result: CallOrder.Result = .done, _ calls: inout SimulatedCalls) {
            calls.schedule(attempt, .finish(number, result), now, after: length)
        }
        switch order.what {
        case .detectMachine: after(SimulatedTimes.machineDetection, .machine(party.isMachine), &self)
        case .speak(let text, _, let endsOnDigits):
            let length = SimulatedTimes.speech(text)
            if endsOnDigits, !party.keys.isEmpty {
                schedule(
                    attempt,
                    .press(number, party.keys, isLast: true),
                    now,
                    after: min(length, SimulatedTimes.thinking)
                )
            } else {
                after(length, .done, &self)
            }
        case .play(let urls): after(Milliseconds(SimulatedTimes.file.count * Int64(urls.count)), .done, &self)
        case .beep: after(SimulatedTimes.beep, .done, &self)
        case .sendDigits(let digits, let duration, let interval):
            after(Milliseconds(Int64(digits.count) * (duration.count + interval.count)), .done, &self)
        case .collectDigits(let length, let terminators, let duration):
            let collected = CollectedDigits(party.keys, length: length, terminators: terminators)
            guard !party.keys.isEmpty, SimulatedTimes.thinking <= duration else {
                after(duration, .digits(""), &self)
                return
            }
            let press = Timer.What.press(number, collected.digits, isLast: collected.isComplete)
            schedule(attempt, press, now, after: SimulatedTimes.thinking)
            if !collected.isComplete { after(duration, .digits(collected.digits), &self) }
        case .record: reports.append(CallReport(attempt: attempt, what: .orderDone(number, .done)))
        case .connect(let legs): connect(legs, number, attempt, at: now, &reports)
        case .hold: startWaiting(attempt, at: now)
        case .pause, .call, .ring, .leave, .hangUp: break
        }
    }

    // MARK: - Coming and going

    /// An answered call whose flow is about to begin.
    mutating func seat(
        _ attempt: ID,
        _ caller: FlowCaller,
        _ plan: CallPlan,
        _ conversation: CallPlan.Conversation,
        at now: Int64
    ) {
        let listens = conversation.listensToTheEnd || plan.reason == .timeout
        parties[attempt] = Party(
            caller: caller,
            keys: conversation.isMachine ? "" : conversation.digits,
            isMachine: conversation.isMachine,
            patience: plan.patience,
            tolerance: listens ? nil : scenario.scaled(conversation.length),
            cutAt: now + scenario.scaled(caller.maximumTalkTime)
        )
        listen(attempt, at: now)
    }

    /// From now on a machine talks to them.
    private mutating func listen(_ attempt: ID, at now: Int64) {
        guard let tolerance = parties[attempt]?.tolerance, parties[attempt]?.leaving == nil else { return }
        let timer = schedule(attempt, .leave, due: now + tolerance)
        parties[attempt]?.leaving = (timer, now + tolerance)
    }

    /// From now on they talk to somebody, or wait for them.
    private mutating func stopListening(_ attempt: ID, at now: Int64) {
        guard let leaving = parties[attempt]?.leaving else { return }
        timers[leaving.timer] = nil
        parties[attempt]?.leaving = nil
        parties[attempt]?.tolerance = max(0, leaving.due - now)
    }

    /// Ends the call; false when there is none that runs a flow.
    mutating func endParty(
        _ attempt: ID,
        _ reason: HangupReason,
        _ by: HangupParty,
        _ reports: inout [CallReport]
    ) -> Bool {
        guard parties.removeValue(forKey: attempt) != nil else { return false }
        reports.append(CallReport(attempt: attempt, what: .ended(reason: reason, by: by)))
        return true
    }

    private mutating func startWaiting(_ attempt: ID, at now: Int64) {
        guard let party = parties[attempt] else { return }
        stopListening(attempt, at: now)
        let timer = schedule(attempt, .losePatience, now, after: party.patience)
        parties[attempt]?.waiting = timer
    }

    private mutating func stopWaiting(_ attempt: ID, at now: Int64) {
        if let timer = parties[attempt]?.waiting { timers[timer] = nil }
        parties[attempt]?.waiting = nil
        parties[attempt]?.agents = [:]
        listen(attempt, at: now)
    }

    // MARK: - Agents

    private mutating func ring(_ ring: AgentRing, at now: Int64, _ reports: inout [CallReport]) {
        guard let party = parties[ring.attempt], party.waiting != nil else {
            reports.append(CallReport(attempt: ring.attempt, what: .agentLeg(ring.leg, .failed)))
            return
        }
        let behaviour = AgentBehaviour(
            scenario,
            address: ring.addresses.first?.target ?? ring.agent.description,
            caller: party.caller.number,
            tryCount: party.caller.tryCount
        )
        parties[ring.attempt]?.agents[ring.leg] = ring
        reports.append(CallReport(attempt: ring.attempt, what: .agentLeg(ring.leg, .ringing)))
        var answer = behaviour
        if answer.state == .noAnswer || answer.state == .answered && answer.ring > ring.ringTimeout {
            answer.state = .noAnswer
            answer.ring = ring.ringTimeout
        }
        schedule(ring.attempt, .agentAnswer(ring.leg, answer), now, after: min(answer.ring, ring.ringTimeout))
    }

    private mutating func agentAnswers(
        _ attempt: ID,
        _ leg: ID,
        _ behaviour: AgentBehaviour,
        at now: Int64,
        _ reports: inout [CallReport]
    ) {
        guard let ring = parties[attempt]?.agents[leg] else { return }
        reports.append(CallReport(attempt: attempt, what: .agentLeg(leg, behaviour.state)))
        guard behaviour.state == .answered else {
            parties[attempt]?.agents[leg] = nil
            return
        }
        // The others stop ringing.
        parties[attempt]?.agents = [leg: ring]
        if let timer = parties[attempt]?.waiting { timers[timer] = nil }
        parties[attempt]?.waiting = nil
        let isCut = ring.serviceTimeout > 0 && ring.serviceTimeout < behaviour.talk
        let end = Timer.What.agentTalkEnd(leg, byCaller: behaviour.endsByCaller && !isCut)
        schedule(attempt, end, now, after: isCut ? ring.serviceTimeout : behaviour.talk)
    }

    // MARK: - Others

    private mutating func connect(
        _ legs: [CallLeg],
        _ number: Int,
        _ attempt: ID,
        at now: Int64,
        _ reports: inout [CallReport]
    ) {
        guard !legs.isEmpty else {
            reports.append(CallReport(attempt: attempt, what: .orderDone(number, .connected("failed"))))
            return
        }
        stopListening(attempt, at: now)
        for leg in legs {
            let plan = CallPlan(
                scenario: scenario,
                number: leg.command.destination.target,
                tryCount: leg.command.tryCount,
                dialTimeout: leg.command.dialTimeout,
                maximumTalkTime: leg.command.maximumTalkTime
            )
            parties[attempt]?.legs[leg.command.attempt] = plan
            schedule(attempt, .legAnswer(leg.command.attempt, number), now, after: plan.ring)
        }
    }

    private mutating func legAnswers(
        _ attempt: ID,
        _ leg: ID,
        _ number: Int,
        at now: Int64,
        _ reports: inout [CallReport]
    ) {
        guard let plan = parties[attempt]?.legs.removeValue(forKey: leg) else { return }
        if let conversation = plan.conversation {
            // The others stop ringing.
            parties[attempt]?.legs = [:]
            schedule(attempt, .talkEnd(number), now, after: conversation.length)
        } else if parties[attempt]?.legs.isEmpty == true {
            reports.append(CallReport(attempt: attempt, what: .orderDone(number, .connected(plan.reason.rawValue))))
            listen(attempt, at: now)
        }
    }

    // MARK: - Timers

    @discardableResult
    private mutating func schedule(
        _ attempt: ID,
        _ what: Timer.What,
        _ now: Int64,
        after length: Milliseconds
    ) -> UInt64 {
        schedule(attempt, what, due: now + scenario.scaled(length))
    }

    @discardableResult
    private mutating func schedule(_ attempt: ID, _ what: Timer.What, due: Int64) -> UInt64 {
        // What would come after the longest call any may be is its end: so no call leaves an entry of an hour behind.
        var (what, due) = (what, due)
        if let cutAt = parties[attempt]?.cutAt, due > cutAt { (what, due) = (.cut, cutAt) }
        lastTimer += 1
        timers[lastTimer] = Timer(attempt: attempt, what: what)
        agenda.add(attempt, due: due, timer: lastTimer)
        return lastTimer
    }

    mutating func fire(_ entry: CallAgenda.Entry, _ reports: inout [CallReport]) {
        guard let timer = timers.removeValue(forKey: entry.timer) else { return }
        let attempt = timer.attempt
        switch timer.what {
        case .wake(let number): reports.append(CallReport(attempt: attempt, what: .orderDone(number, .done)))
        case .finish(let number, let result):
            guard parties[attempt]?.order == number else { return }
            reports.append(CallReport(attempt: attempt, what: .orderDone(number, result)))
        case .press(let number, let digits, let isLast):
            guard parties[attempt]?.order == number else { return }
            if !digits.isEmpty { reports.append(CallReport(attempt: attempt, what: .digits(digits))) }
            if isLast { reports.append(CallReport(attempt: attempt, what: .orderDone(number, .digits(digits)))) }
        case .leave, .losePatience: _ = endParty(attempt, .normal, .remote, &reports)
        case .cut: _ = endParty(attempt, .timeout, .system, &reports)
        case .legAnswer(let leg, let number): legAnswers(attempt, leg, number, at: entry.due, &reports)
        case .talkEnd(let number):
            guard parties[attempt]?.order == number else { return }
            reports.append(CallReport(attempt: attempt, what: .orderDone(number, .connected("answered"))))
            listen(attempt, at: entry.due)
        case .agentAnswer(let leg, let behaviour): agentAnswers(attempt, leg, behaviour, at: entry.due, &reports)
        case .agentTalkEnd(let leg, let byCaller):
            guard parties[attempt]?.agents[leg] != nil else { return }
            if byCaller {
                _ = endParty(attempt, .normal, .remote, &reports)
            } else {
                parties[attempt]?.agents = [:]
                reports.append(CallReport(attempt: attempt, what: .agentLeg(leg, .ended)))
                listen(attempt, at: entry.due)
            }
        }
    }
}
