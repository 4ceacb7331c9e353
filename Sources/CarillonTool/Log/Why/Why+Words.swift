import CampaignDomain
import Contracts
import DialerWorker
import EventLog
import OutdialDomain

/// How things are called in sentences.
extension Why {
    func time(_ moment: Timestamp) -> String { style.time(moment) }

    func name(_ campaign: Campaign) -> String {
        let name = campaign.settings.name
        return "campaign \(name.isEmpty ? campaign.id.description : "\"\(name)\" (\(campaign.id))")"
    }

    /// A campaign by its id, as it was; by the id alone when its log is not at hand.
    func campaignName(_ id: ID) throws -> String {
        try past.find(Campaign.self, id).map { name($0.state) } ?? "campaign \(id)"
    }

    func name(_ list: DNCList) -> String {
        list.name.isEmpty ? "do-not-call list \(list.id)" : "do-not-call list \"\(list.name)\" (\(list.id))"
    }

    func span(_ milliseconds: Milliseconds) -> String {
        let count = milliseconds.count
        if count % 1000 != 0 { return "\(count) ms" }
        if count % 60_000 != 0 || count == 0 { return "\(count / 1000) s" }
        return count % 3_600_000 != 0 ? "\(count / 60_000) min" : "\(count / 3_600_000) h"
    }

    /// Who asked for something, as the log names them.
    func actor(_ entry: LogEntry) -> String {
        let actor = entry.event.actor
        guard let colon = actor.firstIndex(of: ":") else { return actor }
        let kind = actor[..<colon]
        return "\(kind == "accesskey" ? "access key" : String(kind)) \(actor[actor.index(after: colon)...])"
    }

    func words(_ reason: HangupReason) -> String {
        switch reason {
        case .normal: "normal: somebody was reached"
        case .failed: "failed: the call could not be set up"
        case .busy: "busy"
        case .cancel: "cancel: we ended it"
        case .timeout: "timeout: the longest time of a talk was over"
        case .noAnswer: "no answer"
        case .dialout: "dialout: the call could not be placed"
        case .amd: "amd: a machine answered"
        case .outcomeUnknown: "outcome_unknown: it may have been placed, and nobody can tell how it ended"
        case .notDialed: "not_dialed: it was never placed"
        case .doNotCall: "do_not_call: the number is on a do-not-call list, and the call was never placed"
        }
    }

    /// Why a worker did not place an attempt.
    func words(_ reason: RefusalReason) -> String {
        switch reason {
        case .late: "it came too late to be placed in time"
        case .noChannel: "all its channels were in use"
        case .cancelled: "its run had been cancelled"
        case .leaving: "the worker was about to end"
        case .settled: "it had never seen it when campaign-manager asked"
        case .hungUp: "somebody had hung it up before"
        case .doNotCall: "its number is on a do-not-call list"
        case .noProgram: "it did not have what the call was to run"
        }
    }

    /// Why a target can never be dialed, or how its last attempt ended.
    func closing(_ reason: String) -> String {
        switch reason {
        case TargetReasons.doNotCall: "every number that was left is on a do-not-call list, or its person said so"
        case TargetReasons.unknownZone:
            "the plan has calling windows, and nobody knows what time it is where the person is"
        case TargetReasons.noWindow: "no moment is inside the calling windows of all zones in which the number may be"
        case TargetReasons.neverDialed: "the plan gives none of its destinations a try"
        default: "its tries are used up; the last attempt ended as \(reason)"
        }
    }

    /// `0` is the first one.
    func destination(_ index: Int, of target: Target) -> String {
        let number = target.destinations.indices.contains(index) ? target.destinations[index]?.target : nil
        return "destination_\(index)" + (number.map { " (\(style.number($0)))" } ?? "")
    }

    /// A list of parts in a sentence.
    func listed(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }
}
