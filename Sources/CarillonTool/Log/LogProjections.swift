import CampaignManager
import DialerWorker
import EventLog
import OutdialManager

/// What can be recomputed of each log, by the log's name.
enum LogProjections {
    static func of(_ log: String) -> [any VerifiedProjection] {
        if log == "campaign-manager" { return campaignManagerProjections }
        if log == "outdial-manager" { return outdialManagerProjections }
        return log.hasPrefix("dialer-worker") ? Journal.projections : []
    }
}
