package import Contracts

/// Which done targets are to be dialed again: those of some reasons, of one result, or both.
package struct Rearm: Hashable, Sendable {
    /// Empty: whatever the reason.
    package var reasons: [String]
    /// `success` or `fail`; nil: whatever the result.
    package var result: String?

    package static let results = ["success", "fail"]

    package init(reasons: [String], result: String?) {
        self.reasons = reasons
        self.result = result
    }

    /// Reads the body of `POST /outdials/{id}/targets/rearm`; throws for unknown words, and when it names nothing.
    package init(body: RequestBody) throws(Refusal) {
        let given = body.json["result_reason"]
        let words: [JSONValue]
        switch given {
        case .null: words = []
        case .array(let list): words = list
        default: words = [given]
        }
        var reasons: [String] = []
        for word in words {
            guard let reason = word.string.flatMap(TargetReasons.canonical) else {
                throw .invalid("result_reason", "must be a list of \(TargetReasons.list)")
            }
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        let result = try body.text("result")
        if let result, !Rearm.results.contains(result) {
            throw .invalid("result", "must be one of \(Rearm.results.joined(separator: ", ")), not \"\(result)\"")
        }
        guard !reasons.isEmpty || result != nil else {
            throw .invalid(
                "result_reason",
                "is missing: name the reasons to re-arm (\(TargetReasons.list)), or a result"
            )
        }
        self.init(reasons: reasons, result: result)
    }

    package func matches(_ target: Target) -> Bool {
        target.status == .done && (reasons.isEmpty || reasons.contains(target.resultReason))
            && (result == nil || result == target.result)
    }
}

/// Why targets are done: the hangup reason of the last attempt, or why they could not be dialed.
package enum TargetReasons {
    /// The plan gives no destination of it a try.
    package static let neverDialed = "max_try_count"
    /// Every number that was left is on a do-not-call list, or its person said so.
    package static let doNotCall = HangupReason.doNotCall.rawValue
    /// The plan has calling windows or holidays, and nobody knows what time it is where the person is.
    package static let unknownZone = "unknown_zone"
    /// No moment is within the windows in all zones in which the number may be.
    package static let noWindow = "no_window"
    package static let all = HangupReason.allCases.map(\.rawValue) + [neverDialed, unknownZone, noWindow]
    static let list = all.joined(separator: ", ")

    /// The word as it is stored; nil for an unknown one.
    package static func canonical(_ word: String) -> String? {
        let word = word == "noanswer" ? HangupReason.noAnswer.rawValue : word
        return all.contains(word) ? word : nil
    }
}

extension Target {
    /// Re-arms it when it is done; nothing for a deleted, leased or idle one.
    package func rearm() -> [TargetEvent] { status == .done && deletedAt == nil ? [.rearmed] : [] }

    /// `PUT …/targets/{id}`: the given fields. Destinations change only while no attempt is under way.
    package func update(body: RequestBody) throws(Refusal) -> [TargetEvent] {
        let changes = try TargetChanges(body: body, of: self)
        guard changes.destinations.isEmpty || status != .progressing else {
            throw .state("an attempt at this target is under way; change its destinations once it is over")
        }
        return changes.isEmpty ? [] : [.updated(changes)]
    }
}
