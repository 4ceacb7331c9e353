import CampaignDomain
import Contracts
import DialerWorker
import EventLog
import GRDB
import OutdialDomain

/// One attempt's life in sentences.
extension Why {
    /// Nil when no log knows it.
    func attempt(_ id: ID) throws -> Explanation? {
        let call = try past.find(Campaigncall.self, id)
        let lease = try lease(of: id, call?.state)
        guard call != nil || lease != nil else { return try journalOnly(id) }
        let story: [Sentence]
        if let target = lease {
            story = try TargetStory(self, target).sentences(of: id)
        } else {
            story = try AttemptStory(self, id).sentences(lease: nil).map(\.sentence)
        }
        return Explanation(
            "attempt \(id)" + (call?.state.assignment.isTest == true ? " (a test call)" : ""),
            story: story,
            verdict: try verdict(of: id, call, lease),
            asOf: past.now
        )
    }

    private func journalOnly(_ id: ID) throws -> Explanation? {
        let story = try AttemptStory(self, id).sentences(lease: nil)
        guard let last = story.last else { return nil }
        return Explanation("attempt \(id)", story: story.map(\.sentence), verdict: last.sentence, asOf: past.now)
    }

    /// The target that was leased for it.
    private func lease(of attempt: ID, _ call: Campaigncall?) throws -> Known<Target>? {
        if let call { return try past.find(Target.self, call.assignment.target) }
        guard let log = past.directory.outdialManager else { return nil }
        // Without a campaigncall nothing but the lease itself names its target.
        let found = try log.events(
            "WHERE type = 'target_leased' AND instr(data, CAST(? AS BLOB)) > 0 LIMIT 1",
            [attempt.description]
        )
        guard let target = found.first?.aggregate else { return nil }
        return try past.find(Target.self, target)
    }

    private func verdict(of id: ID, _ call: Known<Campaigncall>?, _ target: Known<Target>?) throws -> Sentence {
        guard let call else {
            let returned = try AttemptStory(self, id).returned(target?.entries.last { $0.mentionsLease(id) })
            if let returned { return Sentence("It was given back without a call.", returned) }
            return Sentence("It is leased, and campaign-manager has not made a call of it yet.")
        }
        guard call.state.isOpen else {
            let reason = HangupReason(reported: call.state.hangupReason)
            return Sentence("It is over: \(words(reason)).", call.last("campaigncall_finished"))
        }
        if call.state.isSettling {
            return Sentence(
                "Its worker's journal is asked what became of it; without an answer it will be outcome_unknown.",
                call.last("campaigncall_settling")
            )
        }
        switch call.state.phase {
        case .assigned:
            return Sentence(
                "Its worker was told to place it by \(time(call.state.assignment.startBy)), and has not reported yet.",
                call.first
            )
        case .dialing, .ringing:
            return Sentence(
                "It rings, for \(span(call.state.assignment.dialTimeout)) at most (dial_timeout).",
                call.last("campaigncall_ringing", "campaigncall_dialing")
            )
        case .answered, .done: return Sentence("Somebody is on the line.", call.last("campaigncall_progressing"))
        }
    }
}

/// What campaign-manager and a worker's journal have of one attempt.
struct AttemptStory {
    let why: Why
    let attempt: ID

    init(_ why: Why, _ attempt: ID) {
        self.why = why
        self.attempt = attempt
    }

    /// In the order of their events; `lease` is what began it.
    func sentences(lease: LogEntry?) throws -> [(order: LogEntry, sentence: Sentence)] {
        let call = try why.past.entries("\(Campaigncall.category)-\(attempt)")
        let journal = try why.past.entries("\(Attempt.category)-\(attempt)")
        var told: [(order: LogEntry, sentence: Sentence)] = []
        for entry in call {
            if let text = try text(ofCall: entry) { told.append((entry, Sentence(text, entry))) }
        }
        for entry in journal {
            if let text = try text(ofJournal: entry, isAlone: call.isEmpty) {
                told.append((entry, Sentence(text, entry)))
            }
        }
        if call.isEmpty, let lease, let returned = try returned(lease) {
            told.append((returned, try sentence(ofReturn: returned)))
        }
        return told
    }

    // MARK: - Leases without a call

    /// The event with which campaign-manager gave the lease back.
    func returned(_ lease: LogEntry?) throws -> LogEntry? {
        guard let lease, let log = why.past.directory.campaignManager else { return nil }
        return try log.events(correlation: lease.event.correlation).lazy
            .filter { $0.type == "campaign_lease_returned" && LogFilter.mentions(attempt, $0) }
            .map { LogEntry(log: Manager.campaign.rawValue, event: $0) }
            .first(where: why.past.moment.includes)
    }

    private func sentence(ofReturn entry: LogEntry) throws -> Sentence {
        let text = "Campaign-manager gave the lease back without a call"
        guard let id = entry.event.aggregate,
            let campaign = try why.past.upTo(entry).find(Campaign.self, id)
        else { return Sentence(text + ".", entry) }
        if campaign.state.isPaused {
            return Sentence(text + ": the campaign was paused.", entry, campaign.last("campaign_paused"))
        }
        if !campaign.state.isDialing {
            let end = campaign.last("campaign_stopped", "campaign_stopping", "campaign_deleted")
            return Sentence(text + ": the campaign did not run any more.", entry, end)
        }
        if entry.data["run"].integer != campaign.state.run {
            return Sentence(
                text + ": it belonged to an earlier run of the campaign.",
                entry,
                campaign.last("campaign_started")
            )
        }
        if let off = try Why(why.past.upTo(entry), why.style).dialingOff(campaign.state.customer).first {
            return Sentence(text + ": dialing was switched off.", entry, off.sentence.because.first)
        }
        return Sentence(text + ": no worker had a channel free for it, or a limit was reached meanwhile.", entry)
    }

    // MARK: - Events

    private func text(ofCall entry: LogEntry) throws -> String? {
        guard let event = try entry.content(CampaigncallEvent.self) else { return "What happened here was erased." }
        switch event {
        case .created(let assignment):
            let worker = assignment.engine.isEmpty ? "worker \(assignment.worker)" : "engine \(assignment.engine)"
            let test = assignment.isTest ? "test call" : "campaigncall"
            return "Campaign-manager made it a \(test) and gave it to \(worker), to be placed by "
                + "\(why.time(assignment.startBy))."
        case .dialing: return "It was dialed."
        case .ringing: return "It rang."
        case .progressing: return "Somebody, or something, answered."
        case .digits(let digits, _): return "Keys were pressed: \(why.style.isMasked ? "***" : digits)."
        case .finished(let finished, let by):
            return "It ended: \(why.words(HangupReason(reported: finished.reason)))\(by.isEmpty ? "" : ", by \(by)")."
        case .lateResultIgnored(let reason, _):
            return "A further result, \(reason), came after its end and was ignored."
        case .settling(let because, _): return "Its worker's journal was asked what became of it: \(because)."
        case .claimConfirmed: return "The journal holds it: its end will be reported."
        case .resultRepeated: return "Outdial-manager was told its result again."
        case .reportMissing(let because): return "A report is missing: \(because)."
        case .hangupRequested: return "\(Why.sentenceCase(why.actor(entry))) asked for its end."
        case .queueJoined(_, let queue): return "The caller came to queue \(queue)."
        case .queueRefused(_, _, let reason, _): return "The caller could not wait in the queue: \(reason)."
        case .deleted: return nil
        }
    }

    private func text(ofJournal entry: LogEntry, isAlone: Bool) throws -> String? {
        guard let event = try entry.content(AttemptEvent.self) else { return "What happened here was erased." }
        switch event {
        case .claimed: return "The worker's journal took it: from here on nobody else can place it."
        case .refused(_, let reason):
            let words = RefusalReason(rawValue: reason).map { why.words($0) } ?? reason
            return "The worker refused it, and will never place it: \(words)."
        case .settled(let settlement): return "The journal answered: \(settlement.state.rawValue)."
        case .hangup(_, let reason, let by) where isAlone:
            return "It ended: \(why.words(HangupReason(reported: reason)))\(by.isEmpty ? "" : ", by \(by)")."
        case .dialing where isAlone: return "It was dialed."
        case .ringing where isAlone: return "It rang."
        case .progressing where isAlone: return "Somebody, or something, answered."
        default: return nil
        }
    }
}

extension LogEntry {
    /// Whether it is the lease for `attempt`.
    func mentionsLease(_ attempt: ID) -> Bool {
        event.type == "target_leased" && data["lease"]["attempt_id"].id == attempt
    }
}
