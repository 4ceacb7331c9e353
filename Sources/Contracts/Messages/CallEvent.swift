/// What a dialing engine reports of one call: `call_dialing`, `call_ringing`, `call_progressing`, `call_digits`,
/// `call_hangup`, on the calls exchange with its type as routing key.
///
/// On the wire it is a CloudEvents 1.0 document in structured JSON; the bare form `{type, publisher, data_type, data}`
/// is read as well.
package struct CallEvent: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case dialing = "call_dialing"
        case ringing = "call_ringing"
        case progressing = "call_progressing"
        case digits = "call_digits"
        case hangup = "call_hangup"
    }

    /// The event's own id, or one that follows from it and the source when it is no UUID; nil without one, which is keyed
    /// by what it says instead.
    package var id: ID?
    package var kind: Kind
    /// Who reports: `dialer-worker/1`.
    package var source: String
    package var time: Timestamp
    package var customer: ID
    /// The call's id, the campaigncall's `reference_id`.
    package var call: ID
    /// The campaigncall's id; ``ID/none`` when the engine does not know it.
    package var attempt: ID
    /// The journal that reports, and its position: for finding restored copies. ``ID/none`` for foreign engines.
    package var journal: ID
    package var sequence: Int64
    package var correlation: ID
    package var causation: ID?
    /// With `hangup`.
    package var hangupReason: String
    /// With `hangup`: `remote`, `local` or `system`.
    package var hangupBy: String
    /// With `digits`.
    package var digits: String
    /// The broker's user that published it, as the broker has checked; nil when it did not say. Not in the document.
    package var user: String?

    package init(
        id: ID?,
        kind: Kind,
        source: String,
        time: Timestamp,
        customer: ID,
        call: ID,
        attempt: ID,
        journal: ID,
        sequence: Int64,
        correlation: ID,
        causation: ID? = nil,
        hangupReason: String = "",
        hangupBy: String = "",
        digits: String = "",
        user: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.source = source
        self.time = time
        self.customer = customer
        self.call = call
        self.attempt = attempt
        self.journal = journal
        self.sequence = sequence
        self.correlation = correlation
        self.causation = causation
        self.hangupReason = hangupReason
        self.hangupBy = hangupBy
        self.digits = digits
        self.user = user
    }
}

/// Why a call ended, in the words of the public API.
package enum HangupReason: String, Sendable, CaseIterable {
    case normal, failed, busy, cancel, timeout
    case noAnswer = "no_answer"
    case dialout, amd
    /// It may have been placed; nobody can tell how it ended.
    case outcomeUnknown = "outcome_unknown"
    /// It was never placed.
    case notDialed = "not_dialed"
    /// It was never placed: the number is on a do-not-call list.
    case doNotCall = "do_not_call"

    /// Reads a reason as engines spell it; `noanswer` is `no_answer`, an unknown one is `failed`.
    package init(reported text: String) {
        self = text == "noanswer" ? .noAnswer : HangupReason(rawValue: text) ?? .failed
    }

    /// Whether it says that no call was placed.
    package var isNeverPlaced: Bool { self == .notDialed || self == .doNotCall }

    /// `success` for `normal`, `fail` for everything else.
    package var result: String { self == .normal ? "success" : "fail" }
}

// MARK: - On the wire

extension CallEvent {
    /// Of one event, and of several in an array (JSON Batch Format of CloudEvents 1.0).
    package static let contentType = "application/cloudevents+json"
    package static let batchContentType = "application/cloudevents-batch+json"

    /// The body of a message with `events`.
    package static func message(_ events: [CallEvent]) -> [UInt8] {
        if events.count == 1 { return events[0].json.bytes }
        return JSONValue.array(events.map(\.json)).bytes
    }

    /// How many documents a message may hold, so that one message cannot make an endless turn.
    package static let batchLimit = 1000

    /// The events of a message, one document or an array of them, and the documents that are none, with their reasons.
    ///
    /// Throws when none of it can be understood.
    package static func read(_ json: JSONValue, receivedAt: Timestamp) throws(JSONError) -> Reading {
        guard let documents = json.array else {
            return Reading(events: [try CallEvent(json: json, receivedAt: receivedAt)])
        }
        guard (1...batchLimit).contains(documents.count) else {
            throw JSONError("a batch holds 1 to \(batchLimit) events, not \(documents.count)")
        }
        var reading = Reading()
        reading.events.reserveCapacity(documents.count)
        for document in documents {
            do throws(JSONError) {
                reading.events.append(try CallEvent(json: document, receivedAt: receivedAt))
            } catch {
                reading.rejected.append((document, error))
            }
        }
        if reading.events.isEmpty, let (_, error) = reading.rejected.first { throw error }
        return reading
    }

    package struct Reading: Sendable {
        package var events: [CallEvent] = []
        package var rejected: [(document: JSONValue, error: JSONError)] = []

        package init(events: [CallEvent] = []) { self.events = events }
    }

    package var json: JSONValue {
        var data: JSONObject = [
            "id": .id(call), "attempt_id": .id(attempt), "customer_id": .id(customer), "journal": .id(journal),
        ]
        switch kind {
        case .hangup:
            data.append("status", "hangup")
            data.append("hangup_reason", .string(hangupReason))
            data.append("hangup_by", .string(hangupBy))
        case .digits:
            data.append("status", "progressing")
            data.append("digits", .string(digits))
        default: data.append("status", .string(String(kind.rawValue.dropFirst(5))))
        }
        return [
            "specversion": "1.0", "id": .optional(id), "source": .string(source), "type": .string(kind.rawValue),
            "subject": .string("call/\(call)"), "time": .string(time.rfc3339), "customerid": .id(customer),
            "sequence": .string(String(sequence)), "correlationid": .id(correlation),
            "causationid": .optional(causation), "datacontenttype": "application/json", "data": .object(data),
        ]
    }

    /// Reads either form; `receivedAt` stands for the time when the document has none.
    package init(json: JSONValue, receivedAt: Timestamp) throws(JSONError) {
        let type = try json.requireString("type")
        guard let kind = Kind(rawValue: type) else { throw JSONError("type \(type) is not a call event") }
        let data = json["data"]
        let attempt = data["attempt_id"].id ?? .none
        let call = try CallEvent.call(json, data, attempt: attempt)
        let source = json["source"].string ?? json["publisher"].string ?? ""
        self.init(
            id: json["id"].id ?? json["id"].string.flatMap { $0.isEmpty ? nil : ID(naming: "\(source)\n\($0)") },
            kind: kind,
            source: source,
            time: json["time"].string.flatMap { Timestamp(parsing: $0) } ?? receivedAt,
            customer: data["customer_id"].id ?? .none,
            call: call,
            attempt: attempt,
            journal: data["journal"].id ?? .none,
            sequence: json["sequence"].string.flatMap { Int64($0) } ?? json["sequence"].integer ?? 0,
            correlation: json["correlationid"].id ?? (call.isNone ? attempt : call),
            causation: json["causationid"].id,
            hangupReason: data["hangup_reason"].string ?? "",
            hangupBy: data["hangup_by"].string ?? "",
            digits: data["digits"].string ?? ""
        )
    }

    /// The call as engines name it: `data.id`, `data.call_id` or the subject; not needed where the attempt is named.
    private static func call(_ json: JSONValue, _ data: JSONValue, attempt: ID) throws(JSONError) -> ID {
        if let id = data["id"].id ?? data["call_id"].id { return id }
        if let subject = json["subject"].string, subject.hasPrefix("call/"), let id = ID(subject.dropFirst(5)) {
            return id
        }
        return attempt.isNone ? try data.requireID("id") : .none
    }
}
