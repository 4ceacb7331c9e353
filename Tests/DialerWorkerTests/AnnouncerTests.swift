import Contracts
import DialerWorker
import EventLog
import Testing

@Suite("What the journal announces")
struct AnnouncerTests {
    private let announcer = Announcer(journal: Sample.id(1), worker: "7")
    private let subject = CallSubject(attempt: Sample.attempt(1), call: Sample.call(1), customer: Sample.customer)

    private func recorded(_ event: AttemptEvent) -> RecordedEvent {
        RecordedEvent(
            position: 42,
            stream: "attempt-\(Sample.attempt(1))",
            version: 2,
            type: event.type,
            schema: 1,
            id: Sample.id(5),
            correlation: Sample.id(6),
            causation: Sample.id(8),
            recordedAt: Sample.start,
            actor: "worker:7",
            data: event.json.bytes
        )
    }

    private func announcements(_ event: AttemptEvent) throws -> [Announcement] {
        try announcer.announcements(of: recorded(event))
    }

    private func callEvent(
        _ kind: CallEvent.Kind,
        id: ID = Sample.id(5),
        time: Timestamp = Sample.start
    ) -> CallEvent {
        CallEvent(
            id: id,
            kind: kind,
            source: "dialer-worker/7",
            time: time,
            customer: Sample.customer,
            call: Sample.call(1),
            attempt: Sample.attempt(1),
            journal: Sample.id(1),
            sequence: 42,
            correlation: Sample.id(6),
            causation: Sample.id(8)
        )
    }

    @Test("of a call is a call event of the same id and position")
    func callEvents() throws {
        let events: [(AttemptEvent, CallEvent.Kind)] = [
            (.dialing(subject), .dialing), (.ringing(subject), .ringing), (.progressing(subject), .progressing),
        ]
        for (event, kind) in events { #expect(try announcements(event) == [.call(callEvent(kind))]) }
    }

    @Test("has keys and the end in their call events")
    func details() throws {
        var digits = callEvent(.digits)
        digits.digits = "12"
        #expect(try announcements(.digits(subject, digits: "12")) == [.call(digits)])
        var hangup = callEvent(.hangup)
        hangup.hangupReason = "busy"
        hangup.hangupBy = "remote"
        #expect(try announcements(.hangup(subject, reason: "busy", by: "remote")) == [.call(hangup)])
    }

    @Test("of a refusal is an item for campaign-manager")
    func refusal() throws {
        let body = Item.Body.attemptRefused(
            attempt: Sample.attempt(1),
            reason: "no_channel",
            journal: Sample.id(1),
            sequence: 42
        )
        let item = Item(id: Sample.id(5), correlation: Sample.id(6), body: body)
        #expect(try announcements(.refused(attempt: Sample.attempt(1), reason: "no_channel")) == [.item(item)])
    }

    @Test("of a settlement is the answer, and the end of the call again when there is one")
    func settlement() throws {
        func answer(_ state: Item.SettledState) -> Announcement {
            let body = Item.Body.settled(attempt: Sample.attempt(1), state: state, journal: Sample.id(1))
            return .item(Item(id: Sample.id(5), correlation: Sample.id(6), body: body))
        }
        let refused = Settlement(attempt: Sample.attempt(1), state: .refused)
        #expect(try announcements(.settled(refused)) == [answer(.refused)])
        let ended = Sample.start + 500
        let end = Settlement.End(subject: subject, reason: "normal", by: "remote", at: ended)
        var hangup = callEvent(.hangup, id: Sample.id(5).derived(1), time: ended)
        hangup.hangupReason = "normal"
        hangup.hangupBy = "remote"
        let claimed = Settlement(attempt: Sample.attempt(1), state: .claimed, end: end)
        #expect(try announcements(.settled(claimed)) == [answer(.claimed), .call(hangup)])
    }

    @Test("is nothing for claims, for refusals that a settlement answers, for other streams and erased data")
    func silence() throws {
        let claim = AttemptEvent.claimed(Sample.dial(), correlation: Sample.id(6), item: Sample.id(8))
        #expect(try announcements(claim).isEmpty)
        #expect(try announcements(.refused(attempt: Sample.attempt(1), reason: "settled")).isEmpty)
        for (type, data) in [("process_started", Array("{}".utf8)), ("call_hangup", nil)] as [(String, [UInt8]?)] {
            let event = RecordedEvent(
                position: 1,
                stream: "process-x",
                version: 1,
                type: type,
                schema: 1,
                id: Sample.id(5),
                correlation: Sample.id(6),
                causation: nil,
                recordedAt: Sample.start,
                actor: "system",
                data: data
            )
            #expect(try announcer.announcements(of: event).isEmpty)
        }
    }
}
