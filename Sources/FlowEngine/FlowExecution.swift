package import Contracts

/// One run of a flow: where it is, its variables, and what it has used of its limits.
package struct FlowExecution: Sendable {
    /// A list of actions that is being walked, and which one it is at.
    private struct Frame {
        var actions: [FlowAction]
        var index = 0
        /// Tells this walk of the list from others: loops are counted for each.
        var serial: Int
    }

    private struct Loop: Hashable {
        var frame: Int
        var index: Int
    }

    /// The answers that a run can give before it knows where to go on.
    private enum Turn {
        /// To the action behind this one, `next_id` or the next of the list.
        case onward
        case jump(ID)
        case enter([FlowAction])
        case wait
        case end
    }

    private let program: FlowProgram
    private let hasCall: Bool
    private var frames: [Frame]
    private var frameCount = 1
    private var loops: [Loop: Int64] = [:]
    private var actionCount = 0
    private var fetchCount = 0
    package private(set) var variables: FlowVariables
    /// The action that it waits for; nil before the first, after the last, and never between two.
    package private(set) var current: ExecutedAction?
    package private(set) var isEnded = false

    /// - Parameters:
    ///   - variables: on top of those of the program.
    ///   - hasCall: without one, actions that need a call are skipped.
    package init(program: FlowProgram, variables: [String: String], hasCall: Bool) {
        self.program = program
        self.hasCall = hasCall
        frames = [Frame(actions: program.actions, serial: 0)]
        self.variables = FlowVariables(program.variables.merging(variables) { _, own in own })
    }

    /// Runs from the first action on. Once, before everything else.
    package mutating func begin(at now: Timestamp) -> FlowStep {
        var step = FlowStep()
        run(at: now, &step)
        return finished(step)
    }

    /// Runs on once the instruction that it waits for is done. Nothing when it waits for none.
    package mutating func resume(_ outcome: FlowOutcome, at now: Timestamp) -> FlowStep {
        var step = FlowStep()
        guard !isEnded, var done = current, let action = action else { return step }
        let turn = take(outcome, of: action, &done, &step)
        current = nil
        step.executed.append(done)
        go(turn, &step)
        run(at: now, &step)
        return finished(step)
    }

    /// Ends it where it is: the caller hung up, or somebody stopped it. Nothing when it is over.
    package mutating func end(_ result: String, at now: Timestamp) -> FlowStep {
        var step = FlowStep()
        guard !isEnded else { return step }
        if var interrupted = current {
            interrupted.result = result
            step.executed.append(interrupted)
            current = nil
        }
        isEnded = true
        step.isEnded = true
        return finished(step)
    }

    private mutating func finished(_ step: FlowStep) -> FlowStep {
        var step = step
        step.variables = variables.takeChanges()
        step.isEnded = isEnded
        return step
    }

    private var action: FlowAction? {
        guard let frame = frames.last, frame.actions.indices.contains(frame.index) else { return nil }
        return frame.actions[frame.index]
    }

    // MARK: - Walking

    private mutating func run(at now: Timestamp, _ step: inout FlowStep) {
        while !isEnded, current == nil {
            guard let action else {
                leaveFrame()
                continue
            }
            var executed = ExecutedAction(id: action.id, type: action.type, at: now)
            guard actionCount < FlowLimits.actions else {
                executed.result = "the flow ends here: it has come to its limit of \(FlowLimits.actions) actions"
                step.executed.append(executed)
                isEnded = true
                return
            }
            actionCount += 1
            let turn = perform(action, &executed, &step)
            if case .wait = turn {
                current = executed
            } else {
                step.executed.append(executed)
                go(turn, &step)
            }
        }
    }

    /// At the end of a list: back behind the action that brought it in, or the end of the flow.
    private mutating func leaveFrame() {
        frames.removeLast()
        if frames.isEmpty { isEnded = true } else { onward() }
    }

    private mutating func onward() {
        guard let action else { return }
        let next = action.next
        if next.isNone || next == ReservedAction.next {
            frames[frames.count - 1].index += 1
        } else {
            jump(to: next)
        }
    }

    private mutating func go(_ turn: Turn, _ step: inout FlowStep) {
        switch turn {
        case .wait: break
        case .onward: onward()
        case .jump(let target): jump(to: target)
        case .enter(let actions):
            frames.append(Frame(actions: actions, serial: frameCount))
            frameCount += 1
        case .end: isEnded = true
        }
    }

    /// To an action of this list, or of one that brought it in; the flow ends when there is none.
    private mutating func jump(to target: ID) {
        switch target {
        case ReservedAction.finish: isEnded = true
        case ReservedAction.start: frames[frames.count - 1].index = 0
        case .none, ReservedAction.next: frames[frames.count - 1].index += 1
        default:
            while let frame = frames.last {
                if let index = frame.actions.firstIndex(where: { $0.id == target }) {
                    frames[frames.count - 1].index = index
                    return
                }
                frames.removeLast()
            }
            isEnded = true
        }
    }

    // MARK: - Actions that need nobody else

    private mutating func perform(
        _ action: FlowAction,
        _ executed: inout ExecutedAction,
        _ step: inout FlowStep
    ) -> Turn {
        if !hasCall, FlowAction.needingCall.contains(action.type) {
            executed.result = "skipped: it needs a call"
            return .onward
        }
        let option = action.option
        switch action.type {
        case "stop": return .end
        case "empty": return .onward
        case "goto": return loop(option, &executed)
        case "branch":
            let value = variables.named(
                option["variable"].string.flatMap { $0.isEmpty ? nil : $0 } ?? FlowVariables.digits
            )
            let target = option["target_ids"][value].id
            executed.result = target == nil ? "default" : value
            return .jump(target ?? option["default_target_id"].id ?? .none)
        case "condition_variable", "condition_datetime", "condition_call_digits", "condition_call_status":
            let holds = FlowCondition.holds(action, variables, at: executed.at)
            executed.result = holds ? "true" : "false"
            return holds ? .onward : .jump(option["false_target_id"].id ?? .none)
        case "variable_set": return set(option, &executed, &step)
        case "fetch_flow":
            let flow = variables.fill(option["flow_id"]).id ?? .none
            guard let actions = program.flows[flow] else {
                executed.result = "failed: there is no flow \(flow)"
                return .onward
            }
            return enter(actions, &executed)
        default: break
        }
        guard let instruction = FlowInstruction(action, variables, program) else {
            executed.result = "skipped: this version does not do it"
            return .onward
        }
        if case .fetch = instruction, !mayFetch(&executed) { return .end }
        step.instructions.append(instruction)
        if case .hangUp(let reason) = instruction {
            executed.result = reason.rawValue
            return .end
        }
        guard instruction.isForgotten else { return .wait }
        executed.result = "begun"
        return .onward
    }

    /// Jumps `loop_count` times at most; without one, as often as the flow's own limit allows.
    private mutating func loop(_ option: JSONValue, _ executed: inout ExecutedAction) -> Turn {
        guard let frame = frames.last else { return .end }
        let key = Loop(frame: frame.serial, index: frame.index)
        let used = loops[key, default: 0]
        if let limit = option["loop_count"].integer, used >= limit {
            executed.result = "no more: \(used) of \(limit)"
            return .onward
        }
        loops[key] = used + 1
        return .jump(option["target_id"].id ?? .none)
    }

    private mutating func set(
        _ option: JSONValue,
        _ executed: inout ExecutedAction,
        _ step: inout FlowStep
    ) -> Turn {
        let key = variables.fill(option["key"].string ?? "")
        let value = variables.fill(option["value"].string ?? "")
        guard variables.set(key, value) else {
            executed.result = "failed: there are \(FlowLimits.variables) variables already"
            return .onward
        }
        if key == FlowVariables.optOut, !["", "false", "0", "no"].contains(value) { step.optOuts.append(value) }
        return .onward
    }

    private mutating func mayFetch(_ executed: inout ExecutedAction) -> Bool {
        guard fetchCount < FlowLimits.fetches else {
            executed.result = "the flow ends here: it has come to its limit of \(FlowLimits.fetches) fetches"
            return false
        }
        fetchCount += 1
        return true
    }

    private mutating func enter(_ actions: [FlowAction], _ executed: inout ExecutedAction) -> Turn {
        guard mayFetch(&executed) else { return .end }
        return nest(actions, &executed)
    }

    private func nest(_ actions: [FlowAction], _ executed: inout ExecutedAction) -> Turn {
        guard frames.count < FlowLimits.depth else {
            executed.result = "the flow ends here: flows are nested \(FlowLimits.depth) deep"
            return .end
        }
        executed.result = "\(actions.count) actions"
        return .enter(actions)
    }

    // MARK: - Outcomes

    private mutating func take(
        _ outcome: FlowOutcome,
        of action: FlowAction,
        _ done: inout ExecutedAction,
        _ step: inout FlowStep
    ) -> Turn {
        switch outcome {
        case .done(let result): done.result = result
        case .machine(let isMachine):
            let word = isMachine ? "machine" : "human"
            variables.set(FlowVariables.machine, word)
            done.result = word
            if isMachine, action.option["machine_handle"].string == "hangup" { return hangUp(.amd, &step) }
        case .digits(let digits):
            variables.set(FlowVariables.digits, digits)
            done.result = digits.isEmpty ? "no digits" : "\(digits.count) digits"
        case .connected(let result):
            variables.set("voipbin.connect.result", result)
            done.result = result
            if result != "answered", action.option["relay_reason"].bool == true {
                return hangUp(HangupReason(reported: result), &step)
            }
        case .answered(let status, let body):
            done.result = "status \(status)"
            if action.type == "webhook_send" { variables.set("voipbin.webhook.status", String(status)) }
            guard action.type == "fetch" else { break }
            variables.set("voipbin.fetch.status", String(status))
            guard (200...299).contains(status), let json = try? JSONValue(parsing: Array(body.utf8)),
                let actions = json.array ?? json["actions"].array
            else {
                done.result = "failed: status \(status), and no list of actions"
                break
            }
            return nest(FlowAction.list(Array(actions.prefix(FlowLimits.fetchedActions))), &done)
        case .failed(let reason):
            done.result = "failed: \(reason)"
            switch action.type {
            case "connect": variables.set("voipbin.connect.result", "failed")
            case "webhook_send": variables.set("voipbin.webhook.status", "0")
            case "fetch": variables.set("voipbin.fetch.status", "0")
            default: break
            }
        }
        return .onward
    }

    private func hangUp(_ reason: HangupReason, _ step: inout FlowStep) -> Turn {
        step.instructions.append(.hangUp(reason: reason))
        return .end
    }
}
