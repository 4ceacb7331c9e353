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

    /// The name of the log in the file at `path`: `dialer-worker.1` of `data/dialer-worker.1.db`.
    static func name(of path: String) -> String {
        let file = path.split(separator: "/").last ?? ""
        return String(file.hasSuffix(".db") ? file.dropLast(3) : file)
    }

    /// The statements that create them.
    static func schema(of log: String) -> [String] {
        if log == "campaign-manager" { return CampaignTables.schema }
        if log == "outdial-manager" { return OutdialTables.schema }
        return log.hasPrefix("dialer-worker") ? Journal.schema : []
    }
}
