import Contracts
import EventLog

/// What `log verify` found.
struct LogVerification: Sendable {
    var reports: [LogReport]
    /// Calls in the ledger; nil without one.
    var ledgerCalls: Int?
    var dialedTwice = 0
    var missingInLogs = 0

    /// Verifies each log, then what has to hold between them.
    static func run(_ path: String, ledger: String?) throws -> LogVerification {
        let directory = try LogDirectory(path: path, skipsUnreadable: true)
        let ledger = try LedgerFile.find(ledger, dataDirectory: path)
        var reports = try directory.logs.map { log in
            try LogVerifier.verify(
                path: log.reader.path,
                projections: LogProjections.of(log.name),
                schema: LogProjections.schema(of: log.name)
            )
        }
        let facts: LogFacts
        do {
            facts = try LogFacts(directory, ledger: ledger)
        } catch let error as EventLogError where error.code == .corrupt && reports.contains(where: \.isDamaged) {
            // What keeps the logs from being compared is reported already.
            return LogVerification(reports: reports + directory.unreadable.map(LogReport.init))
        }
        for finding in Invariants.check(facts) {
            let index = directory.logs.firstIndex { $0.name == finding.log } ?? 0
            if reports[index].violations.count < LogReport.limit {
                reports[index].violations.append(finding.violation)
            } else {
                reports[index].omitted += 1
            }
        }
        return LogVerification(
            reports: reports + directory.unreadable.map(LogReport.init),
            ledgerCalls: ledger?.attempts.count,
            dialedTwice: Invariants.dialedTwice(facts).count,
            missingInLogs: Invariants.missingInLogs(facts).count
        )
    }

    var violations: Int { reports.reduce(0) { $0 + $1.violations.count + $1.omitted } }

    var json: JSONValue {
        let logs = reports.map { report -> JSONValue in
            [
                "file": .string(report.file), "events": .integer(report.events),
                "chain": .string(report.chain), "slice": report.slice?["scope"] ?? .null,
                "not_compared": .array(report.outdatedTables.map { .string($0) }),
                "violations": .array(
                    report.violations.map { found -> JSONValue in
                        [
                            "position": .integer(found.position), "kind": .string(found.kind),
                            "message": .string(found.message),
                        ]
                    }
                ),
            ]
        }
        return ["violations": .integer(violations), "logs": .array(logs)]
    }

    var text: String { text(of: "verify") }

    /// The findings for people; the last line begins with the command.
    func text(of command: String) -> String {
        var lines: [String] = []
        for report in reports {
            let name = String(report.file.split(separator: "/").last ?? "")
            let count = report.violations.count + report.omitted
            lines.append(
                LogEntry.padded(name, 24)
                    + " \(report.events) events, chain \(report.chain), "
                    + "\(count) violations" + (report.slice?["scope"].string.map { ", a slice of \($0)" } ?? "")
            )
            if !report.outdatedTables.isEmpty {
                let tables = report.outdatedTables.joined(separator: ", ")
                lines.append("  not compared, as the daemon of this version will make them anew: the rows of \(tables)")
            }
            for found in report.violations { lines.append("  \(found)") }
            if report.omitted > 0 { lines.append("  ... and \(report.omitted) more") }
        }
        if let ledgerLine { lines.append(ledgerLine) }
        lines.append("log \(command): \(violations) violations")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The ledger against the logs; nil without a ledger.
    var ledgerLine: String? {
        ledgerCalls.map {
            "ledger: \($0) calls, \(dialedTwice) attempts dialed twice, \(missingInLogs) ledger calls missing in the logs"
        }
    }
}

extension LogReport {
    fileprivate init(_ unreadable: LogDirectory.Unreadable) {
        self.init(file: unreadable.file)
        chainIsIntact = nil
        violations = [Violation(0, "file", unreadable.error.message)]
    }

    /// Whether pages of the file cannot be read.
    fileprivate var isDamaged: Bool { violations.contains { $0.kind == "file" || $0.kind == "chain" } }

    fileprivate var chain: String {
        switch chainIsIntact {
        case true?: "ok"
        case false?: "broken"
        case nil: "unchecked"
        }
    }
}
