import Contracts
import EventLog
import Foundation
import TestSupport
import Testing

@testable import CarillonTool

@Suite struct LogHistoryTests {
    @Test func everyEventOfACallIsLinkedToItsCauseThroughAllLogs() throws {
        let world = try Installation()
        let outdial = try world.makeOutdial()
        let target = try world.addTarget("+15550100001", to: outdial)
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 30_000)
        let logs = try world.logs()
        let entries = try LogHistory.entries(of: target, kind: "target", in: logs)
        #expect(Set(entries.map(\.log)) == ["campaign-manager", "outdial-manager", "dialer-worker.1"])
        var causes = Causes(logs)
        var links: [String: String] = [:]
        for entry in entries {
            switch try causes.cause(of: entry) {
            case .event(let cause), .sameRequest(let cause): links[entry.event.type] = cause.event.type
            case .request(let actor, _): links[entry.event.type] = actor
            case .system: links[entry.event.type] = "system"
            }
        }
        #expect(links["target_created"] == world.admin)
        #expect(links["target_leased"] == "campaign-manager")
        #expect(links["campaigncall_created"] == "target_leased")
        #expect(links["attempt_claimed"] == "campaigncall_created")
        #expect(links["campaigncall_finished"] == "call_hangup")
        #expect(links["target_attempt_finished"] == "campaigncall_finished")
    }

    @Test func anyKindHasAHistoryAndBringsWhatNamesIt() throws {
        let world = try Installation()
        let outdial = try world.makeOutdial()
        try world.addTarget("+15550100001", to: outdial)
        let campaign = try world.makeCampaign(on: outdial)
        try world.start(campaign)
        try world.run(for: 30_000)
        let logs = try world.logs()
        let types = try LogHistory.entries(of: campaign, kind: "campaign", in: logs).map(\.event.type)
        #expect(types.contains("campaign_started") && types.contains("outdial_claimed"))
        #expect(types.contains("outdial_released") && types.last != "campaign_created")
        let attempt = try #require(world.placed.first).attempt
        let sides = try ["campaigncall", "attempt", nil].map {
            try LogHistory.entries(of: attempt, kind: $0, in: logs).map(\.position)
        }
        #expect(sides[0] == sides[1] && sides[1] == sides[2] && sides[0].count > 8)
        let agent = try #require(ID(world.admin.dropFirst(6)))
        #expect(try LogHistory.entries(of: agent, kind: "agent", in: logs).map(\.event.type).contains("agent_created"))
        #expect(throws: ToolError.self) { try LogHistory.entries(of: agent, kind: "person", in: logs) }
    }

    @Test func timesAreLocalWithTheirOffset() {
        var style = LogStyle.plain
        #expect(style.time(moment(0)) == "2026-01-01 00:00:00.000Z")
        style.zone = .init(identifier: "Asia/Kolkata")
        #expect(style.time(moment(0)) == "2026-01-01 05:30:00.000+05:30")
        style.zone = .init(identifier: "America/New_York")
        #expect(style.time(moment(0)) == "2025-12-31 19:00:00.000-05:00")
        #expect(Timestamp(parsing: style.time(moment(0))) == moment(0))
        #expect(style.clock(moment(0)) == "19:00:00")
    }
}
