import Contracts
package import Logging
import Metrics
import Service

/// Counts the reports that changed nothing, and says of those that should not come at all: once in half a minute for each
/// reason, however many there are.
package final class IgnoredReportsLog: Sendable {
    private struct Silence {
        var until: ContinuousClock.Instant
        var unsaid = 0
    }

    private let logger: Logger
    private let silences = Locked<[IgnoredReports.Reason: Silence]>([:])

    package init(logger: Logger) { self.logger = logger }

    func note(_ reports: IgnoredReports) {
        for (reason, count) in reports.counts {
            Counter(label: "carillon_call_events_ignored_total", dimensions: [("reason", reason.rawValue)])
                .increment(by: count)
            guard reason == .unknownCall || reason == .notAllowed, let example = reports.examples[reason] else {
                continue
            }
            guard let total = say(reason, count) else { continue }
            logger.warning(
                "ignored what was reported of calls",
                metadata: [
                    "reason": "\(reason.rawValue)", "count": "\(total)", "source": "\(example.source)",
                    "user": "\(example.user)", "type": "\(example.kind.rawValue)", "call_id": "\(example.call)",
                ]
            )
        }
    }

    /// How many to speak of now; nil for silence.
    private func say(_ reason: IgnoredReports.Reason, _ count: Int) -> Int? {
        silences.withLock { silences in
            let now = ContinuousClock.now
            if var silence = silences[reason], now < silence.until {
                silence.unsaid += count
                silences[reason] = silence
                return nil
            }
            let unsaid = silences[reason]?.unsaid ?? 0
            silences[reason] = Silence(until: now + .seconds(30))
            return unsaid + count
        }
    }
}
