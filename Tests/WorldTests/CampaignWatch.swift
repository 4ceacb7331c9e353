import CampaignDomain
import CampaignManager
import Contracts
import EventLog

/// Reads campaign-manager's events as they are published, and says what must not be.
struct CampaignWatch {
    private struct Seen {
        var settings = CampaignSettings()
        var open = 0
        var created: [Timestamp] = []
        var run: Int64 = 0
    }

    private var position: Int64 = 0
    private var campaigns: [ID: Seen] = [:]
    /// The campaign of each open attempt.
    private var open: [ID: ID] = [:]
    private var ended: Set<ID> = []
    private(set) var outcomes: [ID: AttemptFinished.Outcome] = [:]
    private var lastReason: [ID: Campaign.EndReason] = [:]
    /// Campaigns whose follower is due.
    private var due: [ID: ID] = [:]
    private var startedAfter: [ID: Int64] = [:]
    private(set) var problems: [String] = []
    private(set) var followed = 0
    private(set) var skipped = 0
    private(set) var unknown = 0
    /// Attempts of other engines that are open.
    private var atEngines: [ID: String] = [:]
    private(set) var engineCalls = 0
    /// Each process of campaign-manager begins with one token of its own.
    var restarts = 0

    mutating func see(_ event: RecordedEvent) throws {
        // After a kill some are published again.
        guard event.position > position, let data = event.data else { return }
        position = event.position
        guard let dash = event.stream.firstIndex(of: "-"), let id = ID(event.stream[event.stream.index(after: dash)...])
        else { return }
        let json = try JSONValue(parsing: data)
        switch event.stream[..<dash] {
        case "campaign": see(try CampaignEvent(type: event.type, schema: event.schema, json: json), of: id)
        case "campaigncall":
            see(try CampaigncallEvent(type: event.type, schema: event.schema, json: json), of: id, at: event.recordedAt)
        default: return
        }
    }

    private mutating func see(_ event: CampaignEvent, of id: ID) {
        switch event {
        case .created(_, _, let settings): campaigns[id] = Seen(settings: settings)
        case .updated(let changes):
            if let limit = changes["max_concurrent"].integer { campaigns[id]?.settings.maximumConcurrent = limit }
        case .started(let run):
            if let last = campaigns[id]?.run, run <= last {
                problems.append("campaign \(id) was started twice as run \(run)")
            }
            campaigns[id]?.run = run
        case .stopped(_, let reason, _): lastReason[id] = reason
        case .nextDue(_, let next):
            if lastReason[id] != .exhausted { problems.append("\(id) is followed, and was not exhausted") }
            if due[id] != nil { problems.append("\(id) has two followers at once") }
            due[id] = next
        case .nextStarted(_, let next, let run):
            if due.removeValue(forKey: id) == nil { problems.append("\(id) is followed by one that was not due") }
            if campaigns[next]?.run != run { problems.append("\(next) follows \(id) as run \(run), and is in another") }
            followed += 1
        case .nextSkipped:
            due[id] = nil
            skipped += 1
        default: return
        }
    }

    private mutating func see(_ event: CampaigncallEvent, of id: ID, at time: Timestamp) {
        switch event {
        case .created(let assignment):
            let campaign = assignment.campaign
            open[id] = campaign
            campaigns[campaign]?.open += 1
            campaigns[campaign]?.created.append(time)
            checkLimits(of: campaign, at: time)
            checkChannels(assignment)
        case .finished(let finished, _):
            if !ended.insert(id).inserted { problems.append("campaigncall \(id) has two results") }
            outcomes[id] = finished.outcome
            atEngines[id] = nil
            if finished.reason == HangupReason.outcomeUnknown.rawValue { unknown += 1 }
            if let campaign = open.removeValue(forKey: id) { campaigns[campaign]?.open -= 1 }
        default: return
        }
    }

    private mutating func checkChannels(_ assignment: Campaigncall.Assignment) {
        guard !assignment.engine.isEmpty else { return }
        engineCalls += 1
        atEngines[assignment.id] = assignment.engine
        for route in Engine.routes.routes where atEngines.values.count(where: { $0 == route.name }) > route.channels {
            problems.append("engine \(route.name) has more attempts than its \(route.channels) channels")
        }
    }

    private func isOver(_ seen: Seen, _ time: Timestamp) -> String? {
        let limit = seen.settings.maximumConcurrent
        if limit > 0, seen.open > limit { return "\(seen.open) calls at once, and \(limit) are allowed" }
        let rate = seen.settings.callsPerSecond
        guard rate > 0 else { return nil }
        let inSecond = seen.created.count { time - $0 < 1_000 }
        // What the bucket saves, and the token that each new process, and each new start, begins with.
        let most = Int(rate * 1.05) + 2 + restarts + Int(seen.run)
        return inSecond > most ? "\(inSecond) calls in a second, and \(rate) are allowed" : nil
    }

    private mutating func checkLimits(of campaign: ID, at time: Timestamp) {
        guard let seen = campaigns[campaign], let problem = isOver(seen, time) else { return }
        problems.append("campaign \(campaign) has \(problem)")
    }

    /// What is left open when everything is over.
    var leftovers: [String] {
        open.keys.map { "campaigncall \($0) has no result" } + due.keys.map { "the follower of \($0) is undecided" }
    }
}
