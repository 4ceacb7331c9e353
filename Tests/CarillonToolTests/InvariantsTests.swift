import Contracts
import EventLog
import Testing

@testable import CarillonTool

@Suite struct InvariantsTests {
    private func id(_ number: UInt64) -> ID { ID(high: 1, low: number) }

    /// Two attempts, placed once each, known to everybody.
    private var sound: LogFacts {
        var facts = LogFacts()
        facts.hasCampaignManager = true
        facts.hasOutdialManager = true
        facts.hasJournals = true
        for number: UInt64 in [1, 2] {
            facts.calls[id(number)] = .init(position: Int64(number), outcomes: ["placed"])
            facts.leases[id(number)] = .init(position: Int64(number), outcome: "placed")
            facts.endedLeases.insert(id(number))
            facts.claimed.insert(id(number))
        }
        facts.ledger = [id(1), id(2)]
        facts.tryCounts = 2
        return facts
    }

    @Test func soundLogsHaveNoFindings() {
        #expect(Invariants.check(sound).isEmpty)
    }

    @Test func anAttemptThatIsTwiceInTheLedgerIsFoundOnce() {
        var facts = sound
        facts.ledger = [id(1), id(2), id(1), id(1)]
        #expect(Invariants.check(facts).map(\.violation.position) == [1])
    }

    @Test func aLedgerCallThatNoLogKnowsIsFound() {
        var facts = sound
        facts.ledger?.append(id(3))
        #expect(Invariants.missingInLogs(facts).count == 2)
    }

    @Test func aSecondResultIsFound() {
        var facts = sound
        facts.calls[id(1)]?.outcomes.append("placed")
        #expect(Invariants.results(facts).count == 1)
    }

    @Test func aCampaigncallWithoutALeaseIsFound() {
        var facts = sound
        facts.leases[id(2)] = nil
        #expect(Invariants.leasesAndCalls(facts).map(\.log) == ["campaign-manager"])
    }

    @Test func managersThatDisagreeAboutAnEndAreFound() {
        var facts = sound
        facts.leases[id(2)]?.outcome = "cancelled"
        #expect(Invariants.outcomes(facts).count == 1)
    }

    @Test func aCancelledCallUsesNoTry() {
        var facts = sound
        facts.calls[id(2)]?.outcomes = ["cancelled"]
        facts.leases[id(2)]?.outcome = "cancelled"
        #expect(Invariants.tryCounts(facts).count == 1)
        facts.tryCounts = 1
        #expect(Invariants.tryCounts(facts).isEmpty)
    }

    @Test func triesAreNotComparedWhileSomethingIsUnderWay() {
        var facts = sound
        facts.tryCounts = 7
        facts.leases[id(2)]?.outcome = nil
        #expect(Invariants.tryCounts(facts).isEmpty)
    }

    @Test func theLedgerIsReadByLines() {
        let text = "{\"attempt_id\":\"\(id(1))\"}\nnonsense\n{\"attempt_id\":\"\(id(2))\"}\n{\"attempt"
        let ledger = LedgerFile(Array(text.utf8))
        #expect(ledger.attempts == [id(1), id(2)])
        #expect(ledger.unreadable == 1)
    }
}
