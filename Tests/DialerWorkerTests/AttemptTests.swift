import Contracts
import DialerWorker
import Testing

@Suite("An attempt")
struct AttemptTests {
    private let subject = CallSubject(attempt: Sample.attempt(1), call: Sample.call(1), customer: Sample.customer)
    private let claimed = AttemptEvent.claimed(Sample.dial(), correlation: Sample.id(4001), item: Sample.id(3001))

    private func dial(_ obstacle: RefusalReason? = nil, startBy: Timestamp = Sample.start) -> AttemptCommand {
        .dial(
            Sample.dial(startBy: startBy),
            correlation: Sample.id(4001),
            item: Sample.id(3001),
            obstacle: obstacle
        )
    }

    private func given(_ events: [AttemptEvent]) -> Attempt? {
        var state: Attempt?
        for event in events { Attempt.evolve(&state, event, at: Sample.start) }
        return state
    }

    private func when(
        _ command: AttemptCommand,
        _ given: [AttemptEvent],
        now: Timestamp = Sample.start
    ) -> [AttemptEvent] {
        Attempt.decide(command, self.given(given), attempt: Sample.attempt(1), now: now)
    }

    private func refused(_ reason: String) -> AttemptEvent { .refused(attempt: Sample.attempt(1), reason: reason) }
    private func hangup(_ reason: String, _ by: String = "remote") -> AttemptEvent {
        .hangup(subject, reason: reason, by: by)
    }

    /// Every state that an attempt can be in, by the events that lead there.
    private var histories: [String: [AttemptEvent]] {
        [
            "claimed": [claimed],
            "dialing": [claimed, .dialing(subject)],
            "ringing": [claimed, .dialing(subject), .ringing(subject)],
            "progressing": [claimed, .dialing(subject), .ringing(subject), .progressing(subject)],
            "hung up": [claimed, .dialing(subject), hangup("busy")],
            "refused": [refused("no_channel")],
            "refused late": [claimed, refused("late")],
            "settled": [refused("settled")],
        ]
    }

    @Test("is claimed when nothing is against it, up to the last moment")
    func claim() {
        #expect(when(dial(), []) == [claimedWith(startBy: Sample.start)])
    }

    @Test("does not count as never placed once it was answered", arguments: [HangupReason.doNotCall, .notDialed])
    func answeredIsPlaced(_ reason: HangupReason) {
        let answered: [AttemptEvent] = [claimed, .dialing(subject), .ringing(subject), .progressing(subject)]
        let end = AttemptCommand.report(.ended(reason: reason, by: .local))
        #expect(when(end, answered) == [.hangup(subject, reason: "failed", by: "local")])
    }

    @Test("is not placed when its number is on a list, or nobody could say")
    func screening() {
        func screened(_ screening: NumberScreening) -> [AttemptEvent] {
            var command = Sample.dial()
            command.screening = screening
            return when(.dial(command, correlation: Sample.id(4001), item: Sample.id(3001), obstacle: nil), [])
        }
        let lists = [ListVersion(list: Sample.id(7), version: 3)]
        #expect(screened(.listed(lists)) == [refused("do_not_call")])
        #expect(screened(.unanswered) == [refused("late")])
        guard case .claimed(let command, _, _)? = screened(.clear(lists)).first else {
            Issue.record("not claimed")
            return
        }
        #expect(command.json["dnc_lists"] == ListVersion.json(lists))
    }

    private func claimedWith(startBy: Timestamp) -> AttemptEvent {
        .claimed(Sample.dial(startBy: startBy), correlation: Sample.id(4001), item: Sample.id(3001))
    }

    @Test("is refused when it comes late, whatever else is in its way", arguments: [nil, RefusalReason.noChannel])
    func late(obstacle: RefusalReason?) {
        let now = Timestamp(microseconds: Sample.start.microseconds + 1)
        #expect(when(dial(obstacle), [], now: now) == [refused("late")])
    }

    @Test("is refused for want of a channel, and by a worker that leaves")
    func obstacles() {
        #expect(when(dial(.noChannel), []) == [refused("no_channel")])
        #expect(when(dial(.leaving), []) == [refused("leaving")])
    }

    @Test("is accepted once for ever: a redelivered command changes nothing in any state")
    func redelivery() {
        for (name, history) in histories { #expect(when(dial(), history) == [], "\(name)") }
    }

    @Test("that was claimed too late is refused, and only then")
    func tooLate() {
        for (name, history) in histories {
            #expect(when(.giveUpLate, history) == (name == "claimed" ? [refused("late")] : []), "\(name)")
        }
        #expect(when(.giveUpLate, []) == [])
    }

    @Test("answers a settlement by what the journal knows")
    func settle() {
        func settled(_ state: Item.SettledState, _ end: Settlement.End? = nil) -> AttemptEvent {
            .settled(Settlement(attempt: Sample.attempt(1), state: state, end: end))
        }
        let end = Settlement.End(subject: subject, reason: "busy", by: "remote", at: Sample.start)
        #expect(when(.settle, []) == [refused("settled"), settled(.refused)])
        for (name, history) in histories {
            let expected =
                switch name {
                case "hung up": settled(.claimed, end)
                case "refused", "refused late", "settled": settled(.refused)
                default: settled(.claimed)
                }
            #expect(when(.settle, history) == [expected], "\(name)")
        }
    }

    @Test("goes through what the provider reports, and never back")
    func reports() {
        let order = ["claimed", "dialing", "ringing", "progressing", "hung up"]
        let steps: [(String, CallReport.What, AttemptEvent)] = [
            ("dialing", .dialing, .dialing(subject)), ("ringing", .ringing, .ringing(subject)),
            ("progressing", .answered, .progressing(subject)),
            ("hung up", .ended(reason: .busy, by: .remote), hangup("busy")),
        ]
        for (name, history) in histories {
            for (next, what, event) in steps {
                let place = order.firstIndex(of: name)
                let isAhead = place.map { $0 < order.firstIndex(of: next) ?? 0 } ?? false
                #expect(when(.report(what), history) == (isAhead ? [event] : []), "\(next) after \(name)")
            }
        }
    }

    @Test("has keys only while somebody is there")
    func digits() {
        for (name, history) in histories {
            let expected: [AttemptEvent] = name == "progressing" ? [.digits(subject, digits: "1")] : []
            #expect(when(.report(.digits("1")), history) == expected, "\(name)")
        }
    }

    @Test("that nobody answered never ends normal")
    func neverNormalUnanswered() {
        let normal = AttemptCommand.report(.ended(reason: .normal, by: .remote))
        #expect(when(normal, histories["ringing"] ?? []) == [hangup("failed")])
        #expect(when(normal, histories["progressing"] ?? []) == [hangup("normal")])
    }

    @Test("that was open when the process ended has an unknown outcome")
    func restart() {
        for (name, history) in histories {
            let isOpen = ["claimed", "dialing", "ringing", "progressing"].contains(name)
            let expected = isOpen ? [hangup("outcome_unknown", "system")] : []
            #expect(when(.forget, history) == expected, "\(name)")
        }
    }

    @Test("that was never seen is not touched by reports")
    func unknown() {
        #expect(when(.report(.answered), []) == [])
        #expect(when(.forget, []) == [])
    }

    @Test("and its events read back as they were written")
    func storedForm() throws {
        let end = Settlement.End(subject: subject, reason: "busy", by: "remote", at: Sample.start)
        let events =
            histories.values.flatMap(\.self) + [
                .digits(subject, digits: "12#"),
                .settled(Settlement(attempt: Sample.attempt(1), state: .claimed, end: end)),
                .settled(Settlement(attempt: Sample.attempt(1), state: .refused)),
            ]
        for event in events {
            let json = try JSONValue(parsing: event.json.bytes)
            #expect(try AttemptEvent(type: event.type, schema: 1, json: json) == event)
        }
        for (name, history) in histories {
            let state = try #require(given(history))
            #expect(try Attempt(json: try JSONValue(parsing: state.json.bytes)) == state, "\(name)")
        }
        #expect(throws: JSONError.self) { try AttemptEvent(type: "call_dialing", schema: 2, json: [:]) }
        #expect(throws: JSONError.self) { try AttemptEvent(type: "call_eaten", schema: 1, json: [:]) }
    }
}
