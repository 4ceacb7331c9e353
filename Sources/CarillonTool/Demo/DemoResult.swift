import Contracts
import EventLog

/// What the demo found out, for the report at its end.
struct DemoResult: Sendable {
    let campaign: String
    let isGood: Bool
    let text: String

    init(directory: String, campaign: String, final: JSONValue, imported: JSONValue, duration: Duration) throws {
        self.campaign = campaign
        let logs = try LogDirectory(path: directory)
        let verification = try LogVerification.run(directory, ledger: directory + "/ledger.jsonl")
        let reasons = try DemoResult.reasons(logs)
        let progress = final["progress"]
        let calls = reasons.reduce(0) { $0 + $1.count }
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        var lines = [
            "", "Report",
            "  targets        \(progress["targets"].integer ?? 0)"
                + " (success \(progress["success"].integer ?? 0), fail \(progress["fail"].integer ?? 0))",
            "  calls          \(calls)",
        ]
        for (reason, count) in reasons { lines.append("    \(LogEntry.padded(reason, 12)) \(count)") }
        lines += [
            "  duration       \(Quantity.tenths(seconds)) s",
            "  calls/s        \(Quantity.tenths(seconds > 0 ? Double(calls) / seconds : 0))",
            "  rejected rows  \(imported["rejected"].integer ?? 0)",
            "  ledger         \(verification.dialedTwice) attempts dialed twice, "
                + "\(verification.missingInLogs) ledger calls missing in the logs (\(verification.ledgerCalls ?? 0) calls)",
            "  log verify     \(verification.violations) violations",
        ]
        for report in verification.reports {
            for found in report.violations.prefix(10) { lines.append("    \(report.file): \(found)") }
        }
        lines += try DemoResult.history(logs)
        text = lines.joined(separator: "\n") + "\n"
        isGood = verification.violations == 0 && verification.ledgerCalls != nil
    }

    /// The calls by the reason they ended for, most frequent first.
    private static func reasons(_ logs: LogDirectory) throws -> [(reason: String, count: Int)] {
        var counts: [String: Int] = [:]
        try logs.campaignManager?.forEachEvent { event in
            guard event.type == "campaigncall_finished", let data = event.data else { return true }
            counts[try JSONValue(parsing: data)["finished"]["reason"].string ?? "", default: 0] += 1
            return true
        }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    /// The life of one target that needed several tries.
    private static func history(_ logs: LogDirectory) throws -> [String] {
        guard let log = logs.outdialManager else { return [] }
        var leases: [String: Int] = [:]
        var chosen: String?
        try log.forEachEvent { event in
            guard event.type == "target_leased" else { return true }
            leases[event.stream, default: 0] += 1
            if chosen == nil || leases[event.stream, default: 0] > leases[chosen ?? "", default: 0] {
                chosen = event.stream
            }
            return leases[event.stream, default: 0] < 3
        }
        guard let chosen, let id = ID(chosen.suffix(36)) else { return [] }
        let entries = try LogHistory.entries(of: id, kind: "target", in: logs)
        return ["", "History of target \(id)"]
            + entries.map { $0.line(LogStyle.terminal) }
    }
}
