import Contracts
import EventLog
import GRDB

extension Journal {
    /// What a journal keeps beside its attempts.
    enum Fact: Hashable, Sendable {
        /// campaign-manager has accepted it for a process.
        case accepted(process: ID)
        /// campaign-manager has refused it: it is a restored copy, whatever it grows to.
        case refused(reason: String)
        /// This run of a campaign was cancelled, and those before it.
        case cancelled(campaign: ID, run: Int64)

        static let acceptedType = "journal_accepted"
        static let refusedType = "journal_refused"
        static let cancelledType = "run_cancelled"

        fileprivate var stream: String {
            switch self {
            case .accepted, .refused: Journal.stream
            case .cancelled(let campaign, _): Fact.stream(ofCampaign: campaign)
            }
        }

        fileprivate var event: (type: String, data: JSONValue) {
            switch self {
            case .accepted(let process): (Fact.acceptedType, ["process": .id(process)])
            case .refused(let reason): (Fact.refusedType, ["reason": .string(reason)])
            case .cancelled(let campaign, let run):
                (Fact.cancelledType, ["campaign_id": .id(campaign), "run": .integer(run)])
            }
        }

        fileprivate static func stream(ofCampaign id: ID) -> String { "cancellation-\(id)" }
    }

    /// Appends `fact`; without a `context` it belongs to nothing but itself.
    static func note(_ fact: Fact, _ turn: Turn, _ context: EventContext? = nil) throws {
        let id = turn.ids.next(at: turn.now)
        let (type, data) = fact.event
        _ = try turn.append(
            [NewEvent(type: type, id: id, data: data.bytes)],
            to: fact.stream,
            expecting: .any,
            context: context ?? EventContext(correlation: id, actor: Manager.campaign.rawValue)
        )
    }

    /// The last run of `campaign` that was cancelled here; 0 when none was.
    static func cancelledRun(of campaign: ID, _ turn: Turn) throws -> Int64 {
        let last = try RecordedEvent.fetch(
            "WHERE stream = ? ORDER BY version DESC LIMIT 1",
            [Fact.stream(ofCampaign: campaign)],
            in: turn.database
        )
        guard let data = last.first?.data else { return 0 }
        return try JSONValue(parsing: data).requireInteger("run")
    }
}
