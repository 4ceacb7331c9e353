package import Contracts
package import EventLog

/// What an event of the journal tells the others.
package enum Announcement: Hashable, Sendable {
    /// For everybody who follows calls.
    case call(CallEvent)
    /// For campaign-manager.
    case item(Item)
    /// For outdial-manager.
    case outdialItem(Item)
}

/// Announces the journal's events: a pure function of each, so that publishing again repeats it, ids included.
package struct Announcer: Sendable {
    package let journal: ID
    /// As call events name their source: `dialer-worker/1`.
    package let source: String

    package init(journal: ID, worker: String) {
        self.journal = journal
        source = "dialer-worker/\(worker)"
    }

    /// The announcements of `event`; none for the journal's own affairs and for erased events.
    package func announcements(of event: RecordedEvent) throws(JSONError) -> [Announcement] {
        guard ["call_", "attempt_", "flow_"].contains(where: event.type.hasPrefix), event.type != "attempt_claimed",
            let data = event.data
        else { return [] }
        let content = try AttemptEvent(type: event.type, schema: event.schema, json: try JSONValue(parsing: data))
        switch content {
        case .claimed: return []
        case .refused(let attempt, let reason):
            // The settled answer says the same, and is what campaign-manager waits for.
            if reason == RefusalReason.settled.rawValue { return [] }
            return [
                item(
                    .attemptRefused(attempt: attempt, reason: reason, journal: journal, sequence: event.position),
                    event
                )
            ]
        case .dialing(let subject): return [.call(call(.dialing, subject, event))]
        case .ringing(let subject): return [.call(call(.ringing, subject, event))]
        case .progressing(let subject): return [.call(call(.progressing, subject, event))]
        case .digits(let subject, let digits):
            var report = call(.digits, subject, event)
            report.digits = digits
            return [.call(report)]
        case .hangup(let subject, let reason, let by): return [.call(hangup(subject, reason, by, event))]
        case .settled(let settlement): return settled(settlement, event)
        case .flow(let note): return announcement(of: note, event).map { [$0] } ?? []
        }
    }

    private func announcement(of note: FlowNote, _ event: RecordedEvent) -> Announcement? {
        switch note {
        case .progressed(let steps):
            return item(.flowProgress(steps.report(event.recordedAt, journal, event.position)), event)
        case .queueJoined(let attempt, let queuecall, let queue):
            let entry = QueueEntry(
                attempt: attempt,
                queuecall: queuecall,
                queue: queue,
                at: event.recordedAt,
                journal: journal,
                sequence: event.position
            )
            return item(.queueJoined(entry), event)
        case .agentLeg(let leg, let state):
            return item(.agentLeg(leg.report(state, event.recordedAt, journal, event.position)), event)
        case .optOut(let optOut):
            return .outdialItem(Item(id: event.id, correlation: event.correlation, body: .optOut(optOut)))
        case .legPlaced, .legProgressed, .legEnded: return nil
        }
    }

    private func settled(_ settlement: Settlement, _ event: RecordedEvent) -> [Announcement] {
        let answer = item(.settled(attempt: settlement.attempt, state: settlement.state, journal: journal), event)
        guard let end = settlement.end else { return [answer] }
        // The end was published before, and may have been lost with a broker: it is told again, as it was.
        var again = hangup(end.subject, end.reason, end.by, event)
        again.id = event.id.derived(1)
        again.time = end.at
        return [answer, .call(again)]
    }

    private func item(_ body: Item.Body, _ event: RecordedEvent) -> Announcement {
        .item(Item(id: event.id, correlation: event.correlation, body: body))
    }

    private func hangup(_ subject: CallSubject, _ reason: String, _ by: String, _ event: RecordedEvent) -> CallEvent {
        var report = call(.hangup, subject, event)
        report.hangupReason = reason
        report.hangupBy = by
        return report
    }

    private func call(_ kind: CallEvent.Kind, _ subject: CallSubject, _ event: RecordedEvent) -> CallEvent {
        CallEvent(
            id: event.id,
            kind: kind,
            source: source,
            time: event.recordedAt,
            customer: subject.customer,
            call: subject.call,
            attempt: subject.attempt,
            journal: journal,
            sequence: event.position,
            correlation: event.correlation,
            causation: event.causation
        )
    }
}
