import CampaignDomain
import Contracts
import EventLog
import OutdialDomain

/// A target's life in sentences.
extension Why {
    /// Nil when no log knows it.
    func target(_ id: ID) throws -> Explanation? {
        guard let target = try past.find(Target.self, id) else { return nil }
        let story = try TargetStory(self, target).sentences()
        let (verdict, obstacles) = try standing(of: target)
        return Explanation(
            "target \(id)" + (target.state.name.isEmpty || style.isMasked ? "" : " (\(target.state.name))"),
            story: story,
            verdict: verdict,
            obstacles: obstacles,
            asOf: past.now
        )
    }
}

/// Walks over a target's events and says what each means, with what campaign-manager and the workers made of its leases.
struct TargetStory {
    let why: Why
    let target: Known<Target>
    /// The list's plans, each from the event on that set it.
    private let plans: [(entry: LogEntry, plan: DialPlan)]
    private let outdial: Known<Outdial>?

    init(_ why: Why, _ target: Known<Target>) throws {
        self.why = why
        self.target = target
        outdial = try why.past.find(Outdial.self, target.state.outdial)
        plans = try (outdial?.entries ?? []).compactMap { entry in
            switch entry.event.type {
            case "outdial_claimed", "outdial_plan_changed": (entry, try DialPlan(json: entry.data["plan"]))
            default: nil
            }
        }
    }

    /// All of it; of the one `attempt` alone when it is given.
    func sentences(of attempt: ID? = nil) throws -> [Sentence] {
        var told: [(order: LogEntry, sentence: Sentence)] = []
        var before: Target?
        for entry in target.entries {
            guard let event = try entry.content(TargetEvent.self) else {
                told.append((entry, Sentence("What happened here was erased.", entry)))
                continue
            }
            if attempt == nil || event.attempt == attempt {
                told.append((entry, try sentence(event, entry, before)))
            }
            if case .leased(let lease, _) = event, attempt == nil || lease.attempt == attempt {
                told += try AttemptStory(why, lease.attempt).sentences(lease: entry)
            }
            try entry.fold(into: &before)
        }
        return told.enumerated().sorted { left, right in
            if LogEntry.isInOrder(left.element.order, right.element.order) { return true }
            if LogEntry.isInOrder(right.element.order, left.element.order) { return false }
            return left.offset < right.offset
        }.map(\.element.sentence)
    }

    /// The plan that was in force at an event, and what set it.
    private func plan(at entry: LogEntry) -> (entry: LogEntry, plan: DialPlan)? {
        plans.last { $0.entry.event.position < entry.event.position }
    }

    private func sentence(_ event: TargetEvent, _ entry: LogEntry, _ before: Target?) throws -> Sentence {
        switch event {
        case .created(let draft, _, let outdial, _, _):
            let list = self.outdial.map { $0.state.name.isEmpty ? "" : " \"\($0.state.name)\"" } ?? ""
            let count = draft.destinations.count { $0 != nil }
            return Sentence(
                "It was put on the list\(list) (\(outdial)) by \(why.actor(entry)), with \(count) "
                    + (count == 1 ? "destination." : "destinations."),
                entry
            )
        case .deleted: return Sentence("It was deleted by \(why.actor(entry)).", entry)
        case .updated: return Sentence("\(why.actor(entry)) changed it.", entry)
        case .rearmed: return Sentence("\(why.actor(entry)) made it ready to be dialed anew, with all tries.", entry)
        case .optedOut: return Sentence("Its person said during the call that they want no more of them.", entry)
        case .resumed: return Sentence("It could be looked at again.", entry)
        case .closed(let reason):
            return Sentence("It was closed without a further call: \(why.closing(reason)).", entry)
        case .deferred(let deferral): return Sentence(try why.text(deferral), entry)
        case .leased(let lease, let tryCount): return try leased(lease, tryCount, entry, before)
        case .attemptFinished(let end): return finished(end, entry, before)
        }
    }

    // MARK: - Leases

    private func leased(
        _ lease: Target.Lease,
        _ tryCount: Int,
        _ entry: LogEntry,
        _ before: Target?
    ) throws
        -> Sentence
    {
        let plan = plan(at: entry)
        let most = plan.map { " of \($0.plan.maximumTries[lease.destinationIndex])" } ?? ""
        let number = before.map { why.destination(lease.destinationIndex, of: $0) } ?? "its destination"
        var text =
            "\(Why.sentenceCase(try why.campaignName(lease.campaign))) leased it in run \(lease.run) as attempt "
            + "\(lease.attempt): \(number), try \(tryCount)\(most)"
        if let before { text += "; \(turn(of: before))" }
        if let hours = plan?.plan.hours, !hours.isAlways { text += "; it was inside its calling window" }
        if !lease.checkedLists.isEmpty {
            let lists = lease.checkedLists.map { "\($0.list) version \($0.version)" }
            text += "; its number was not on do-not-call " + (lists.count == 1 ? "list " : "lists ") + why.listed(lists)
        }
        return Sentence(text + ".", entry, plan?.entry)
    }

    /// By which rule it was the next one.
    private func turn(of target: Target) -> String {
        if let next = target.nextTryAt, target.wasTried || target.notPlacedInRow > 0 {
            return "its retry had been due since \(why.time(next))"
        }
        return "it had never been tried, had priority \(target.priority) and waited since "
            + why.time(target.waitingSince)
    }

    // MARK: - Ends of attempts

    private func finished(_ end: TargetEvent.AttemptEnd, _ entry: LogEntry, _ before: Target?) -> Sentence {
        let plan = plan(at: entry)
        let next =
            end.nextTryAt.map { "; the next one is due at \(why.time($0))" } ?? "; it may be dialed again at once"
        let pause = plan.map { ", \(why.span($0.plan.tryInterval)) after the end (try_interval)" } ?? ""
        let text: String
        switch end.outcome {
        case _ where end.isDone && end.reason == TargetReasons.doNotCall:
            text = "It is done and will not be dialed again: \(why.closing(end.reason))."
        case .placed where end.result == "success": text = "Attempt \(end.attempt) reached it: it is done."
        case .placed where end.isDone:
            text = "Attempt \(end.attempt) failed (\(end.reason)) and used the last try: it is done."
        case .placed: text = "Attempt \(end.attempt) failed (\(end.reason)) and used a try\(next)\(pause)."
        case .notPlaced:
            text = "Attempt \(end.attempt) was never placed (\(end.reason)): its try was given back\(next)."
        case .cancelled: text = "Attempt \(end.attempt) was cancelled by us: its try was given back\(next)."
        case .hungUp:
            text =
                "Attempt \(end.attempt) was hung up before it could be placed: its try was given back\(next)\(pause)."
        }
        return Sentence(text, entry)
    }
}

extension TargetEvent {
    /// The attempt that it is about.
    var attempt: ID? {
        switch self {
        case .leased(let lease, _): lease.attempt
        case .attemptFinished(let end): end.attempt
        default: nil
        }
    }
}

extension Why {
    static func sentenceCase(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    /// Why a target waits.
    func text(_ deferral: Target.Deferral) throws -> String {
        switch deferral.reason {
        case .outsideWindow:
            let until = deferral.until.map { " until \(time($0))" } ?? ""
            return "It is outside its calling window (\(deferral.zone))\(until)."
        case .numberBusy:
            return "Its number is busy: attempt \(deferral.by)\(try owner(of: deferral.by)) has a call to it."
        case .numberRecent:
            let until = deferral.until.map { "; not before \(time($0))" } ?? ""
            return "Its number was called a short while ago (min_interval_per_number)\(until)."
        }
    }

    /// ` of campaign "x"`, when campaign-manager's log knows the attempt.
    private func owner(of attempt: ID) throws -> String {
        guard let call = try past.find(Campaigncall.self, attempt)?.state else { return "" }
        return " of \(try campaignName(call.assignment.campaign))"
    }
}
