import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct CampaigncallRulesTests {
    static let assignment = Campaigncall.Assignment(
        id: id(1),
        customer: id(3),
        campaign: id(5),
        run: 1,
        outplan: id(4),
        outdial: id(2),
        target: id(7),
        queue: .none,
        flow: .none,
        call: id(8),
        source: nil,
        destination: tel("+15550000001"),
        destinationIndex: 0,
        tryCount: 1,
        worker: "1",
        journal: id(9),
        dialTimeout: 30_000,
        maximumTalkTime: 3_600_000,
        startBy: moment(30),
        createdAt: moment(0)
    )

    func call(_ events: CampaigncallEvent...) throws -> Campaigncall {
        try #require(given(Campaigncall.self, [.created(Self.assignment)] + events))
    }

    func report(_ kind: CallEvent.Kind, _ reason: String = "", by: String = "remote") -> CallEvent {
        CallEvent(
            id: id(50),
            kind: kind,
            source: "dialer-worker/1",
            time: moment(9),
            customer: id(3),
            call: id(8),
            attempt: id(1),
            journal: id(9),
            sequence: 1,
            correlation: id(1),
            hangupReason: reason,
            hangupBy: by
        )
    }

    /// The one outcome that `events` end with.
    func ending(_ events: [CampaigncallEvent]) throws -> AttemptFinished {
        guard events.count == 1, case .finished(let finished, _) = events[0] else {
            throw Refusal.state("not one ending: \(events)")
        }
        return finished
    }

    @Test func `reports move it forward only`() throws {
        #expect(try call().apply(report(.dialing)) == [.dialing(at: moment(9))])
        let ringing = try call(.dialing(at: moment(1)), .ringing(at: moment(2)))
        #expect(ringing.apply(report(.dialing)).isEmpty)
        #expect(ringing.apply(report(.ringing)).isEmpty)
        #expect(ringing.apply(report(.progressing)) == [.progressing(at: moment(9))])
        // A hangup may overtake everything else.
        #expect(try ending(try call().apply(report(.hangup, "busy"))).reason == "busy")
    }

    @Test func `only normal is success`() throws {
        for reason in HangupReason.allCases {
            let expected = reason == .normal ? "success" : "fail"
            #expect(try ending(try call().apply(report(.hangup, reason.rawValue))).result == expected)
        }
        #expect(try ending(try call().apply(report(.hangup, "noanswer"))).reason == "no_answer")
        #expect(try ending(try call().apply(report(.hangup, "no such reason"))).reason == "failed")
    }

    @Test func `our cancel before the answer gives the try back, after it the call was placed`() throws {
        let unanswered = try call(.dialing(at: moment(1)))
        #expect(try ending(unanswered.apply(report(.hangup, "cancel", by: "system"))).outcome == .cancelled)
        #expect(try ending(unanswered.apply(report(.hangup, "cancel", by: "remote"))).outcome == .placed)
        let answered = try call(.progressing(at: moment(1)))
        #expect(try ending(answered.apply(report(.hangup, "cancel", by: "system"))).outcome == .placed)
    }

    @Test func `the first terminal result wins, later ones are recorded as ignored`() throws {
        let open = try call()
        let done = try call(open.apply(report(.hangup, "busy"))[0])
        #expect(done.result == "fail")
        #expect(done.apply(report(.hangup, "normal")) == [.lateResultIgnored(reason: "normal", at: moment(9))])
        #expect(done.apply(report(.ringing)).isEmpty)
        #expect(done.refuse(at: moment(10)).isEmpty)
        #expect(done.abandon(at: moment(10)).isEmpty)
    }

    @Test func `a refusal by the worker was not placed`() throws {
        let finished = try ending(try call().refuse(at: moment(10)))
        #expect(finished.outcome == .notPlaced)
        #expect(finished.reason == "not_dialed")
        #expect(finished.result == "fail")
    }

    @Test func `an overdue attempt is asked for once; without an answer its outcome is unknown`() throws {
        let settling = try call(.settling(because: "silence", journal: id(9)))
        #expect(try call().settle(because: "silence") == [.settling(because: "silence", journal: id(9))])
        #expect(settling.settle(because: "silence").isEmpty)
        #expect(settling.confirmClaim() == [.claimConfirmed])
        let unknown = try ending(settling.abandon(at: moment(60)))
        #expect(unknown.outcome == .placed)
        #expect(unknown.reason == "outcome_unknown")
    }

    @Test func `each phase has its deadline`() throws {
        #expect(try call().deadline(from: moment(0)) == moment(40))
        #expect(try call(.dialing(at: moment(1))).deadline(from: moment(1)) == moment(41))
        #expect(try call(.progressing(at: moment(1))).deadline(from: moment(1)) == moment(3611))
    }

    @Test func `the public object speaks the documents' words`() throws {
        let answered = try call(.progressing(at: moment(1))).resource
        #expect(answered["status"] == "progressing")
        #expect(answered["result"] == "")
        #expect(answered["reference_type"] == "call")
        #expect(answered["reference_id"] == .id(id(8)))
    }

    @Test func `a hangup is asked for once, and not of a call that is over`() throws {
        let ringing = try call(.ringing(at: moment(1)))
        #expect(try ringing.requestHangup() == [.hangupRequested(journal: Self.assignment.journal)])
        let asked = try call(.ringing(at: moment(1)), .hangupRequested(journal: id(9)))
        #expect(try asked.requestHangup().isEmpty)
        #expect(asked.isOpen)
        #expect(try Campaigncall(json: try JSONValue(parsing: asked.json.bytes)) == asked)
        let finished = try ending(asked.apply(report(.hangup, "cancel")))
        let over = try call(.finished(finished, hangupBy: "local"))
        #expect(throws: Refusal.self) { try over.requestHangup() }
    }

    @Test func `the call of an attempt has all fields of calls, empty where nobody knows them`() throws {
        let call = try call(.progressing(at: moment(1)))
        #expect(call.callResource["id"] == .id(Self.assignment.call))
        #expect(call.callResource["campaigncall_id"] == .id(Self.assignment.id))
        for (events, status) in [
            ([], "dialing"), ([.ringing(at: moment(1))], "ringing"), ([.progressing(at: moment(1))], "progressing"),
            ([.hangupRequested(journal: id(9))], "canceling"),
            ([.progressing(at: moment(1)), .hangupRequested(journal: id(9))], "terminating"),
        ] as [([CampaigncallEvent], String)] {
            let state = try #require(given(Campaigncall.self, [.created(Self.assignment)] + events))
            #expect(state.callResource["status"] == .string(status))
        }
        for field in [
            "customer_id", "owner_type", "owner_id", "flow_id", "activeflow_id", "type", "master_call_id",
            "chained_call_ids", "recording_id", "recording_ids", "groupcall_id", "source", "destination", "action",
            "direction", "mute_direction", "hangup_by", "hangup_reason", "metadata", "tm_progressing", "tm_ringing",
            "tm_hangup", "tm_create", "tm_update", "tm_delete",
        ] { #expect(call.callResource.object?.contains(field) == true, "\(field)") }
    }

    @Test func `every event survives its stored form`() throws {
        let finished = try ending(try call().apply(report(.hangup, "busy")))
        let events: [CampaigncallEvent] = [
            .created(Self.assignment), .dialing(at: moment(1)), .ringing(at: moment(1)), .progressing(at: moment(1)),
            .digits("12", at: moment(1)), .finished(finished, hangupBy: "remote"), .resultRepeated(finished),
            .lateResultIgnored(reason: "x", at: moment(1)), .settling(because: "x", journal: id(9)), .claimConfirmed,
            .deleted, .hangupRequested(journal: id(9)),
        ]
        for event in events {
            let read = try CampaigncallEvent(
                type: event.type,
                schema: 1,
                json: try JSONValue(parsing: event.json.bytes)
            )
            #expect(read == event)
        }
        let done = try call(.finished(finished, hangupBy: "remote"))
        #expect(try Campaigncall(json: try JSONValue(parsing: done.json.bytes)) == done)
    }
}
