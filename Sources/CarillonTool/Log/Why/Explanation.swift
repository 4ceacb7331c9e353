import Contracts
import EventLog

/// Something that the logs tell, and the events that say so.
struct Sentence: Sendable {
    var text: String
    var because: [LogEntry]

    init(_ text: String, _ because: LogEntry?...) {
        self.text = text
        self.because = because.compactMap { $0 }
    }
}

/// Something that stands in the way of a call.
struct Obstacle: Sendable {
    enum Reason: String, Sendable {
        case deleted, done
        case underWay = "under_way"
        case dialingOffSystem = "dialing_off_system"
        case dialingOffCustomer = "dialing_off_customer"
        case noCampaign = "no_campaign"
        case campaignStopped = "campaign_stopped"
        case campaignStopping = "campaign_stopping"
        case campaignPaused = "campaign_paused"
        case retryDue = "retry_due"
        case outsideWindow = "outside_window"
        case numberBusy = "number_busy"
        case numberRecent = "number_recent"
        case doNotCall = "do_not_call"
        case noTries = "no_tries"
        case unknownZone = "unknown_zone"
        case noWindow = "no_window"
        case limitReached = "max_concurrent"
        case rate = "calls_per_second"
        case serviceLevel = "service_level"
        case noWorker = "no_worker"
        case noChannel = "no_free_channel"
        case others = "others_first"
    }

    var reason: Reason
    var sentence: Sentence
    /// When it ends by itself, as far as one can know.
    var until: Timestamp?

    init(_ reason: Reason, _ text: String, until: Timestamp? = nil, _ because: LogEntry?...) {
        self.reason = reason
        self.until = until
        sentence = Sentence(text, nil)
        sentence.because = because.compactMap { $0 }
    }
}

/// The answer to `log why`.
struct Explanation: Sendable {
    /// `target:ID`.
    var subject: String
    /// What has happened, in its order.
    var story: [Sentence] = []
    /// How it stands at the moment that was asked for.
    var verdict: Sentence
    /// What stands in the way of the next call then; the one that counts first.
    var obstacles: [Obstacle] = []
    var asOf: Timestamp

    init(_ subject: String, story: [Sentence], verdict: Sentence, obstacles: [Obstacle] = [], asOf: Timestamp) {
        self.subject = subject
        self.story = story
        self.verdict = verdict
        self.obstacles = obstacles
        self.asOf = asOf
    }
}

extension Explanation {
    /// For people.
    func text(_ style: LogStyle) -> String {
        var lines = [Style.bold.apply(subject, style.hasColor) + ", as of " + style.time(asOf)]
        for sentence in story { lines.append("  " + Explanation.line(sentence, style, hasTime: true)) }
        lines.append(Style.bold.apply("So: ", style.hasColor) + Explanation.line(verdict, style))
        for obstacle in obstacles { lines.append("  - " + Explanation.line(obstacle.sentence, style)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ sentence: Sentence, _ style: LogStyle, hasTime: Bool = false) -> String {
        let time = hasTime ? sentence.because.first.map { style.time($0.event.recordedAt) + "  " } ?? "" : ""
        let events = sentence.because.map { "\($0.position) \($0.event.type)" }.joined(separator: ", ")
        let source = events.isEmpty ? "" : Style.dim.apply("  [\(events)]", style.hasColor)
        return time + sentence.text + source
    }

    /// For programs: one document.
    var json: JSONValue {
        [
            "subject": .string(subject), "as_of": .string(asOf.rfc3339),
            "story": .array(story.map { $0.json }), "verdict": verdict.json,
            "obstacles": .array(
                obstacles.map { obstacle in
                    var object: JSONObject = [
                        "reason": .string(obstacle.reason.rawValue),
                        "until": obstacle.until.map { .string($0.rfc3339) } ?? .null,
                    ]
                    for member in obstacle.sentence.json.object?.members ?? [] {
                        object.append(member.name, member.value)
                    }
                    return .object(object)
                }
            ),
        ]
    }
}

extension Sentence {
    fileprivate var json: JSONValue {
        let events = because.map { entry -> JSONValue in
            [
                "position": .string(entry.position), "type": .string(entry.event.type),
                "time": .string(entry.event.recordedAt.rfc3339), "event_id": .id(entry.event.id),
            ]
        }
        return ["text": .string(text), "events": .array(events)]
    }
}
