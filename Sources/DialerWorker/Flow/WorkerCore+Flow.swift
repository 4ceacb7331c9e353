import Contracts
import EventLog
import FlowEngine

/// The flows of the calls that the worker holds: what providers and errands bring goes in, what they are to do comes out
/// as effects of the turn. A flow has no other memory than its run, which ends with the process.
extension WorkerCore {
    // MARK: - Beginning

    /// The command was claimed: its flow begins once it is answered.
    mutating func prepareFlow(_ dial: DialCommand) {
        if !dial.program.isNone { flows[dial.attempt] = FlowRun(command: dial) }
    }

    /// What the provider says of a call that has a flow. The attempt's own part was decided already, except for its end,
    /// which comes after that of the flow.
    mutating func follow(
        _ report: CallReport,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        let key = report.attempt
        guard var run = flows[key] else { return }
        switch report.what {
        case .answered:
            guard run.execution == nil else { return }
            guard let program = try programs.find(run.command.program, turn) else { return }
            var execution = FlowExecution(
                program: run.actions.map {
                    FlowProgram(actions: $0, flows: program.flows, variables: program.variables)
                }
                    ?? program,
                variables: run.variables,
                hasCall: run.hasCall
            )
            let step = execution.begin(at: turn.now)
            run.begin(at: turn.now)
            run.execution = execution
            try take(step, of: &run, isFirst: true, &drafts, &effects, turn)
        case .orderDone(let number, let result):
            guard run.waiting == .order(number) else { return }
            var outcome = FlowOutcome(result)
            if case .done = outcome, let played = run.played { outcome = .done(result: played) }
            run.played = nil
            try resume(&run, outcome, &drafts, &effects, turn)
        case .agentLeg(let leg, let state): try follow(leg, state, &run, &drafts, &effects, turn)
        case .ended:
            try end(&run, "the call ended", &drafts, turn)
            flows[key] = nil
            return
        case .dialing, .ringing, .digits: return
        }
        if flows[key] != nil { flows[key] = run }
    }

    /// A message was sent, a server answered, or not.
    mutating func follow(
        _ attempt: ID,
        _ number: Int,
        _ outcome: ErrandOutcome,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        guard var run = flows[attempt], run.waiting == .order(number) else { return }
        if case .failed = outcome, ["message_send", "email_send"].contains(run.execution?.current?.type) {
            run.hasFailedToSend = true
        }
        if case .found(let urls, let problem) = outcome, !urls.isEmpty {
            run.played = problem
            effects.orders.append(CallOrder(attempt: attempt, number: number, what: .play(urls: urls)))
        } else {
            try resume(&run, FlowOutcome(outcome), &drafts, &effects, turn)
        }
        if flows[attempt] != nil { flows[attempt] = run }
    }

    /// Goes on behind what it waited for.
    mutating func resume(
        _ run: inout FlowRun,
        _ outcome: FlowOutcome,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        run.waiting = .nothing
        if run.isOverdue(at: turn.now) {
            try end(&run, FlowRun.timeLimit, &drafts, turn)
            return try finish(run, .timeout, &drafts, &effects, turn)
        }
        guard let step = run.execution?.resume(outcome, at: turn.now) else { return }
        try take(step, of: &run, isFirst: false, &drafts, &effects, turn)
    }

    // MARK: - Steps

    /// Turns instructions into effects, and keeps what was done.
    private mutating func take(
        _ step: FlowStep,
        of run: inout FlowRun,
        isFirst: Bool,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        var (step, isFirst) = (step, isFirst)
        // An outcome that is known at once leads to the next step in the same turn.
        while true {
            try keep(step, of: run, isFirst: isFirst, &drafts, turn)
            var known: FlowOutcome?
            var reason: HangupReason?
            for instruction in step.instructions {
                if case .hangUp(let wanted) = instruction {
                    reason = wanted
                } else {
                    known = try begin(instruction, of: &run, &drafts, &effects, turn)
                }
            }
            if step.isEnded { return try finish(run, reason, &drafts, &effects, turn) }
            guard let known, let next = run.execution?.resume(known, at: turn.now) else { return }
            (step, isFirst) = (next, false)
        }
    }

    /// One event for a turn in which something was done, or something that takes its time was begun.
    private mutating func keep(
        _ step: FlowStep,
        of run: FlowRun,
        isFirst: Bool,
        _ drafts: inout Drafts,
        _ turn: Turn
    ) throws {
        let takesTime = isFirst && run.hasCall
        if !step.executed.isEmpty || step.isEnded || takesTime || !step.variables.isEmpty {
            let steps = FlowSteps(
                attempt: run.owner,
                status: step.isEnded ? .ended : .running,
                current: run.execution?.current,
                executed: step.executed,
                variables: step.variables
            )
            let note: FlowNote =
                run.isAttempt ? .progressed(steps) : .legProgressed(leg: run.command.attempt, steps)
            try decide(.note(note), run.owner, nil, &drafts, turn)
        }
        for optOut in step.optOuts {
            let number = Address.isPossibleNumber(optOut) ? optOut : run.command.destination.target
            let note = FlowNote.optOut(
                OptOut(
                    attempt: run.owner,
                    target: run.command.target,
                    outdial: run.command.outdial,
                    customer: run.command.customer,
                    number: number,
                    reason: "flow"
                )
            )
            try decide(.note(note), run.owner, nil, &drafts, turn)
        }
    }

    /// The flow is over: so is its call, or its attempt when it has none.
    private mutating func finish(
        _ run: FlowRun,
        _ reason: HangupReason?,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        var run = run
        guard !run.hasCall else {
            let hangUp = CallOrder.What.hangUp(reason ?? .normal)
            effects.orders.append(CallOrder(attempt: run.command.attempt, number: run.nextOrder(), what: hangUp))
            return
        }
        flows[run.command.attempt] = nil
        let isSend = run.command.kind == .message || run.command.kind == .email
        let own: HangupReason = isSend && run.hasFailedToSend ? .failed : .normal
        let end = CallReport.What.ended(reason: reason == .timeout ? .timeout : own, by: .local)
        try decide(.report(end), run.command.attempt, nil, &drafts, turn)
    }

    /// Ends the flow where it is, with what it has open.
    private mutating func end(
        _ run: inout FlowRun,
        _ result: String,
        _ drafts: inout Drafts,
        _ turn: Turn
    ) throws {
        try endRings(&run, but: nil, &drafts, turn)
        guard let step = run.execution?.end(result, at: turn.now), step.isEnded else { return }
        try keep(step, of: run, isFirst: false, &drafts, turn)
    }

    // MARK: - Instructions

    /// Has it done; answers with its outcome when that is known at once.
    private mutating func begin(
        _ instruction: FlowInstruction,
        of run: inout FlowRun,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws -> FlowOutcome? {
        let number = run.nextOrder()
        func order(_ what: CallOrder.What) {
            effects.orders.append(CallOrder(attempt: run.command.attempt, number: number, what: what))
        }
        if let what = CallOrder.What(instruction) {
            order(run.fitting(what, at: turn.now))
            if !instruction.isForgotten { run.waiting = .order(number) }
            return nil
        }
        if let errand = FlowErrand.What(instruction, of: run.command) {
            let awaited = instruction.isForgotten ? nil : number
            effects.errands.append(FlowErrand(errand, of: run, number: awaited))
            if awaited != nil { run.waiting = .order(number) }
            return nil
        }
        switch instruction {
        case .joinQueue(let queue):
            guard run.isAttempt else { return .failed(reason: "a call that a flow placed cannot join a queue") }
            run.queuecall = run.nextQueuecall()
            run.waiting = .queue(order: number)
            order(.hold)
            let note = FlowNote.queueJoined(attempt: run.owner, queuecall: run.queuecall, queue: queue)
            try decide(.note(note), run.owner, nil, &drafts, turn)
            return nil
        case .connect(let source, let destinations):
            return ask(destinations, source, nil, of: &run, number, &effects)
        case .call(let source, let destinations, let actions):
            return ask(destinations, source, actions, of: &run, number, &effects)
        default: return .done(result: nil)
        }
    }

    // MARK: - Agents

    /// Rings an agent for a caller who waits; who is no longer there is said to have ended. Whoever is to be rung too late is
    /// not: campaign-manager may have given up that ring, and have somebody else rung by now.
    mutating func ring(
        _ ring: AgentRing,
        _ context: EventContext,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        guard var run = flows[ring.attempt], case .queue(let number) = run.waiting, run.queuecall == ring.queuecall,
            !run.isTalking, !run.rung.contains(ring.leg)
        else {
            // Repeated, it is being rung already, and what comes of it will be told.
            if flows[ring.attempt]?.rung.contains(ring.leg) == true { return }
            try decide(.note(.agentLeg(AgentLeg(ring), .ended)), ring.attempt, context, &drafts, turn)
            return
        }
        run.rung.insert(ring.leg)
        if let ringBy = ring.ringBy, turn.now > ringBy {
            flows[ring.attempt] = run
            try decide(.note(.agentLeg(AgentLeg(ring), .late)), ring.attempt, context, &drafts, turn)
            return
        }
        run.agents.append(ring)
        flows[ring.attempt] = run
        effects.orders.append(CallOrder(attempt: ring.attempt, number: number, what: .ring(ring)))
    }

    private mutating func follow(
        _ leg: ID,
        _ state: AgentLegReport.State,
        _ run: inout FlowRun,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        guard let agent = run.agents.first(where: { $0.leg == leg }) else { return }
        try decide(.note(.agentLeg(AgentLeg(agent), state)), run.owner, nil, &drafts, turn)
        switch state {
        case .ringing: return
        case .answered:
            // The provider has ended the other rings: the first who answers has the caller.
            run.isTalking = true
            try endRings(&run, but: agent, &drafts, turn)
        case .noAnswer, .busy, .failed, .late: run.agents.removeAll { $0.leg == leg }
        case .ended:
            run.agents.removeAll { $0.leg == leg }
            guard run.isTalking else { return }
            run.isTalking = false
            try resume(&run, .done(result: "served"), &drafts, &effects, turn)
        }
    }

    /// Says of all agents but one that their ring, or talk, is over.
    private mutating func endRings(
        _ run: inout FlowRun,
        but winner: AgentRing?,
        _ drafts: inout Drafts,
        _ turn: Turn
    ) throws {
        for agent in run.agents where agent != winner {
            try decide(.note(.agentLeg(AgentLeg(agent), .ended)), run.owner, nil, &drafts, turn)
        }
        run.agents = winner.map { [$0] } ?? []
    }

    /// The wait is over without an agent. Nothing while one talks to the caller.
    mutating func leaveQueue(
        _ attempt: ID,
        _ queuecall: ID,
        _ reason: String,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        guard var run = flows[attempt], case .queue(let number) = run.waiting, run.queuecall == queuecall,
            !run.isTalking
        else { return }
        try endRings(&run, but: nil, &drafts, turn)
        effects.orders.append(CallOrder(attempt: attempt, number: number, what: .leave))
        try resume(&run, .done(result: reason), &drafts, &effects, turn)
        if flows[attempt] != nil { flows[attempt] = run }
    }

    /// Ends the flow and its call. Nothing when there is none.
    mutating func stopFlow(
        _ attempt: ID,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        guard var run = flows[attempt] else { return }
        try end(&run, "stopped", &drafts, turn)
        flows[attempt] = run
        if run.hasCall {
            effects.hangUpForUs.append(attempt)
        } else {
            try finish(run, nil, &drafts, &effects, turn)
        }
    }
}

extension FlowOutcome {
    init(_ result: CallOrder.Result) {
        switch result {
        case .done: self = .done(result: nil)
        case .machine(let isMachine): self = .machine(isMachine)
        case .digits(let digits): self = .digits(digits)
        case .connected(let result): self = .connected(result: result)
        }
    }
}

extension CallOrder.What {
    /// What a provider does on the call; nil for what concerns others too.
    init?(_ instruction: FlowInstruction) {
        switch instruction {
        case .detectMachine: self = .detectMachine
        case .speak(let text, let language, let endsOnDigits, _):
            self = .speak(text: text, language: language, endsOnDigits: endsOnDigits)
        case .beep: self = .beep
        case .collectDigits(let length, let terminators, let duration):
            self = .collectDigits(length: length, terminators: terminators, duration: duration)
        case .sendDigits(let digits, let duration, let interval):
            self = .sendDigits(digits, duration: duration, interval: interval)
        case .pause(let length): self = .pause(length)
        case .record(let isOn): self = .record(isOn: isOn)
        default: return nil
        }
    }
}

extension FlowErrand {
    init(_ what: What, of run: FlowRun, number: Int?) {
        self.init(
            attempt: run.command.attempt,
            number: number,
            campaign: run.command.campaign,
            customer: run.command.customer,
            target: run.command.target,
            what: what
        )
    }
}

extension FlowErrand.What {
    /// Messages and mails go to the target's own destination unless the action names others.
    init?(_ instruction: FlowInstruction, of command: DialCommand) {
        switch instruction {
        case .sendMessage(let source, let destinations, let text):
            self = .message(
                source: source ?? command.source,
                destinations: destinations.isEmpty ? [command.destination] : destinations,
                text: text
            )
        case .sendEmail(let destinations, let subject, let content, let attachments):
            self = .email(
                destinations: destinations.isEmpty ? [command.destination] : destinations,
                subject: subject,
                content: content,
                attachments: attachments
            )
        case .play(let urls): self = .files(urls)
        case .sendWebhook(let message), .fetch(let message):
            self = .web(
                WebRequest(
                    method: message.method,
                    url: message.url,
                    contentType: message.contentType,
                    body: message.body
                )
            )
        default: return nil
        }
    }
}

extension FlowOutcome {
    init(_ outcome: ErrandOutcome) {
        switch outcome {
        case .sent: self = .done(result: "sent")
        case .answered(let status, let body): self = .answered(status: status, body: body)
        case .failed(let reason): self = .failed(reason: reason)
        case .found(_, let problem): self = problem.map { .failed(reason: $0) } ?? .done(result: nil)
        }
    }
}
