import Contracts
import EventLog

/// What has to hold between the logs, and between them and the ledger.
enum Invariants {
    /// What was found, each with the name of the log that shows it.
    struct Finding: Hashable {
        var log: String
        var violation: Violation
    }

    static func check(_ facts: LogFacts) -> [Finding] {
        dialedTwice(facts) + repeated(facts) + missingInLogs(facts) + results(facts) + leasesAndCalls(facts)
            + outcomes(facts)
            + tryCounts(facts)
    }

    /// Every attempt is in the ledger once at most.
    static func dialedTwice(_ facts: LogFacts) -> [Finding] {
        var seen: Set<ID> = []
        var reported: Set<ID> = []
        for attempt in (facts.ledger ?? []) + facts.legs.map(\.id) where !seen.insert(attempt).inserted {
            reported.insert(attempt)
        }
        return reported.sorted().map {
            finding(campaignLog, facts.calls[$0]?.position, "attempt \($0) was dialed more than once, the ledger says")
        }
    }

    /// Every attempt is claimed by one journal, once, and dialed once.
    static func repeated(_ facts: LogFacts) -> [Finding] {
        facts.repeated.sorted().map {
            finding(campaignLog, facts.calls[$0]?.position, "attempt \($0) was dialed more than once, the journals say")
        }
    }

    /// Every call of the ledger is a campaigncall, and was claimed by a journal.
    static func missingInLogs(_ facts: LogFacts) -> [Finding] {
        var findings: [Finding] = []
        for attempt in Set(facts.ledger ?? []).sorted() {
            if facts.hasCampaignManager, facts.calls[attempt] == nil {
                findings.append(finding(campaignLog, nil, "attempt \(attempt) is in the ledger and is no campaigncall"))
            }
            if facts.hasJournals, !facts.claimed.contains(attempt) {
                let position = facts.calls[attempt]?.position
                findings.append(
                    finding(campaignLog, position, "attempt \(attempt) is in the ledger and no journal claimed it")
                )
            }
        }
        for leg in facts.legs where facts.hasJournals && !facts.claimed.contains(leg.owner) {
            let message =
                "the call \(leg.id) is in the ledger, and no journal claimed the attempt \(leg.owner) of its flow"
            findings.append(finding(campaignLog, facts.calls[leg.owner]?.position, message))
        }
        return findings
    }

    /// A campaigncall has one terminal result at most.
    static func results(_ facts: LogFacts) -> [Finding] {
        facts.calls.filter { $0.value.outcomes.count > 1 }.sorted { $0.key < $1.key }.map {
            finding(campaignLog, $0.value.position, "campaigncall \($0.key) has \($0.value.outcomes.count) results")
        }
    }

    /// Every campaigncall has its lease; every lease that ended was a campaigncall, or was given back.
    static func leasesAndCalls(_ facts: LogFacts) -> [Finding] {
        guard facts.hasCampaignManager, facts.hasOutdialManager else { return [] }
        let unleased = facts.calls.filter { facts.leases[$0.key] == nil && !$0.value.isTest }.sorted { $0.key < $1.key }
        let uncalled = facts.endedLeases.filter { facts.calls[$0] == nil && !facts.returned.contains($0) }
        // What came back without a campaigncall was released before one was made.
        let lost = uncalled.filter { facts.leases[$0]?.outcome == "placed" }.sorted()
        return unleased.map { finding(campaignLog, $0.value.position, "campaigncall \($0.key) has no lease") }
            + lost.map {
                finding(outdialLog, facts.leases[$0]?.position, "the lease \($0) was used and is no campaigncall")
            }
    }

    /// Both managers agree how an attempt ended.
    static func outcomes(_ facts: LogFacts) -> [Finding] {
        facts.endedLeases.sorted().compactMap { id in
            guard let lease = facts.leases[id], let applied = lease.outcome,
                let told = facts.calls[id]?.outcomes.first, told != applied
            else { return nil }
            return finding(
                outdialLog,
                lease.position,
                "attempt \(id) ended as \(told) and moved its target as \(applied)"
            )
        }
    }

    /// With nothing under way, the tries used are the calls that were placed and not cancelled by us.
    static func tryCounts(_ facts: LogFacts) -> [Finding] {
        guard hasWrongTries(facts) else { return [] }
        let sum = "targets have used \(facts.tryCounts) tries, and \(placed(facts)) calls were placed"
        return [finding(outdialLog, nil, sum)]
            + facts.miscounts.map { found in
                let message =
                    "target \(found.target) has used \(found.tries) tries, and \(found.placed) of its calls were placed"
                return finding(outdialLog, found.position, message)
            }
    }

    /// Whether the sum of all tries is not that of the calls; never while something is under way.
    static func hasWrongTries(_ facts: LogFacts) -> Bool {
        facts.hasCampaignManager && facts.hasOutdialManager && facts.leases.values.allSatisfy { $0.outcome != nil }
            && facts.calls.values.allSatisfy { !$0.outcomes.isEmpty } && facts.tryCounts != placed(facts)
    }

    private static func placed(_ facts: LogFacts) -> Int64 {
        Int64(facts.calls.values.count { $0.outcomes.first == "placed" && !$0.isTest })
    }

    private static let campaignLog = Manager.campaign.rawValue
    private static let outdialLog = Manager.outdial.rawValue

    private static func finding(_ log: String, _ position: Int64?, _ message: String) -> Finding {
        Finding(log: log, violation: Violation(position ?? 0, "invariant", message))
    }
}
