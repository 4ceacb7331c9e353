import Contracts
import EventLog
import TestSupport
import Testing

@testable import CarillonTool

@Suite struct LogWhyTests {
    private let world: Installation
    private let outdial: ID

    init() throws {
        world = try Installation()
        outdial = try world.makeOutdial()
    }

    private func reasons(_ target: ID, at: String? = nil) throws -> [Obstacle.Reason] {
        try world.why("target:\(target)", at: at).obstacles.map(\.reason)
    }

    private func types(_ obstacle: Obstacle?) -> [String] { obstacle?.sentence.because.map(\.event.type) ?? [] }

    @Test func aBusyNumberIsToldFromItsLeaseToItsRetry() throws {
        // Given a number that is busy, and a campaign that has called it once
        let target = try world.addTarget("+15550100002", to: outdial)
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 30_000)
        // When
        let found = try world.why("target:\(target)")
        // Then the story goes over all three logs
        let logs = Set(found.story.flatMap(\.because).map(\.log))
        #expect(logs == ["campaign-manager", "outdial-manager", "dialer-worker.1"])
        let text = found.text(.plain)
        #expect(text.contains("leased it in run 1 as attempt"))
        #expect(text.contains("try 1 of 2; it had never been tried, had priority 5 and waited since "))
        #expect(text.contains("It ended: busy, by remote."))
        #expect(text.contains("failed (busy) and used a try; the next one is due at "))
        #expect(text.contains(", 1 min after the end (try_interval)."))
        #expect(found.obstacles.map(\.reason) == [.retryDue])
        #expect(types(found.obstacles.first) == ["target_attempt_finished"])
        let until = try #require(found.obstacles.first?.until)
        #expect(until > world.now && until < world.now + 60_000)
        // And once its tries are used up
        try world.run(for: 120_000)
        let end = try world.why("target:\(target)")
        #expect(end.obstacles.map(\.reason) == [.done])
        #expect(end.text(.plain).contains("used the last try: it is done"))
        // But then, at the end of the first attempt, it waited
        let then = "\(try #require(found.obstacles.first?.sentence.because.first).position)"
        #expect(try reasons(target, at: then) == [.retryDue])
    }

    @Test func whatWasNeverStartedStoppedOrPausedIsSaid() throws {
        let target = try world.addTarget("+15550100001", to: outdial)
        #expect(try reasons(target) == [.noCampaign])
        let campaign = try world.makeCampaign(on: outdial)
        #expect(try reasons(target) == [.campaignStopped])
        #expect(try types(world.why("target:\(target)").obstacles.first) == ["campaign_created"])
        try world.atCampaigns("campaign.pause", ["id": .id(campaign), "body": ["paused": true]])
        try world.start(campaign)
        try world.run(for: 3_000)
        let paused = try #require(try world.why("target:\(target)").obstacles.first)
        #expect(paused.reason == .campaignPaused && types(paused) == ["campaign_paused"])
        try world.stop(campaign)
        let stopped = try #require(try world.why("target:\(target)").obstacles.first)
        #expect(stopped.reason == .campaignStopped && types(stopped) == ["campaign_stopped"])
        #expect(stopped.sentence.text.hasSuffix(": somebody stopped it."))
    }

    @Test func dialingThatIsSwitchedOffIsSaidFirst() throws {
        let target = try world.addTarget("+15550100001", to: outdial)
        let campaign = try world.makeCampaign(on: outdial)
        try world.atCampaigns("customer.dialing", ["body": ["enabled": false]])
        try world.atCampaigns("system.dialing", ["body": ["enabled": false]])
        try world.start(campaign)
        try world.run(for: 3_000)
        let found = try world.why("target:\(target)").obstacles
        #expect(found.map(\.reason) == [.dialingOffSystem, .dialingOffCustomer])
        #expect(found.map { types($0) } == [["system_dialing_switched"], ["customer_dialing_switched"]])
        #expect(found[0].sentence.text.contains(world.admin.dropFirst(6)))
    }

    @Test func theCallingWindowNamesItsZoneAndItsEnd() throws {
        // 2026-01-01 00:00 UTC is 01:00 in Berlin, a Thursday.
        let target = try world.addTarget("+4930123456", to: outdial, ["time_zone": "Europe/Berlin"])
        let hours: JSONValue = [["weekdays": [4], "from": "09:00", "to": "17:00"]]
        let campaign = try world.makeCampaign(on: outdial, plan: ["max_try_count_0": 1, "calling_windows": hours])
        try world.start(campaign)
        try world.run(for: 3_000)
        let found = try #require(try world.why("target:\(target)").obstacles.first)
        #expect(found.reason == .outsideWindow && types(found) == ["target_deferred"])
        #expect(found.sentence.text.contains("(Europe/Berlin) until 2026-01-01 08:00:00.000Z"))
        #expect(found.until == moment(8 * 3600))
        // When its time comes it is called
        try world.run(for: .seconds(8 * 3600 + 60))
        #expect(world.placed.count == 1)
        #expect(try world.why("target:\(target)").text(.plain).contains("it was inside its calling window"))
    }

    @Test func aDoNotCallListIsNamedWithItsVersion() throws {
        let list = world.newID()
        try world.atOutdials("dnclist.create", ["id": .id(list), "body": ["name": "wishes"]])
        let target = try world.addTarget("+15550100001", to: outdial)
        try world.atOutdials("dnclist.add", ["id": .id(list), "body": ["number": "+15550100001"]])
        let waiting = try world.why("target:\(target)").obstacles
        #expect(waiting.map(\.reason) == [.noCampaign])
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 3_000)
        #expect(world.placed.isEmpty)
        let found = try world.why("target:\(target)")
        #expect(found.obstacles.map(\.reason) == [.done, .doNotCall])
        #expect(
            found.obstacles[1].sentence.text.contains("is on do-not-call list \"wishes\" (\(list)), version 2, since")
        )
        #expect(types(found.obstacles[1]) == ["dncnumber_added"])
    }

    @Test func aNumberThatAnotherAttemptCallsIsBusy() throws {
        let other = try world.makeOutdial("autumn")
        let first = try world.addTarget("+15550100001", to: outdial)
        let second = try world.addTarget("+15550100001", to: other)
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 100)
        try world.start(try world.makeCampaign(on: other, ["name": "autumn sale"]))
        try world.run(for: 1_000)
        #expect(try reasons(first) == [.underWay])
        let found = try #require(try world.why("target:\(second)").obstacles.first)
        #expect(found.reason == .numberBusy && types(found) == ["target_deferred"])
        #expect(found.sentence.text.contains("of campaign \"spring sale\""))
    }

    @Test func whoWaitsForAChannelOrALimitIsTold() throws {
        let small = try Installation(channels: 1)
        let list = try small.makeOutdial()
        let first = try small.addTarget("+15550100001", to: list)
        let second = try small.addTarget("+15550200001", to: list)
        try small.start(try small.makeCampaign(on: list))
        try small.run(for: 2_000)
        #expect(try small.why("target:\(first)").obstacles.map(\.reason) == [.underWay])
        let found = try #require(try small.why("target:\(second)").obstacles.first)
        #expect(found.reason == .noChannel)
        #expect(found.sentence.text == "All 1 channels of route default are in use.")
        #expect(types(found) == ["campaigncall_created", "worker_registered"])
        small.silenceWorker()
        try small.run(for: 25_000)
        let lost = try #require(try small.why("target:\(second)").obstacles.first)
        #expect(lost.reason == .noWorker && types(lost) == ["worker_lost"])
    }

    @Test func theServiceLevelCountsAgentsAndCalls() throws {
        let queue = world.newID()
        try world.atCampaigns("queue.create", ["id": .id(queue), "body": ["name": "sales"]])
        let agent = world.newID()
        let body: JSONValue = ["username": "bob", "status": "away", "addresses": ["+17771000001"]]
        try world.atCampaigns("agent.create", ["id": .id(agent), "body": body, "password_hash": "h"])
        let target = try world.addTarget("+15550100001", to: outdial)
        try world.start(try world.makeCampaign(on: outdial, ["queue_id": .id(queue)]))
        try world.run(for: 2_000)
        let found = try #require(try world.why("target:\(target)").obstacles.first)
        #expect(found.reason == .serviceLevel)
        #expect(found.sentence.text.contains("0 of 2 agents of the queue can be rung, 0 calls need one"))
        #expect(types(found) == ["agent_created"])
    }

    @Test func anAttemptHasItsOwnStory() throws {
        let target = try world.addTarget("+15550100001", to: outdial)
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 20_000)
        let attempt = try #require(world.placed.first).attempt
        let found = try world.why("campaigncall:\(attempt)")
        #expect(found.verdict.text == "It is over: normal: somebody was reached.")
        #expect(found.verdict.because.map(\.event.type) == ["campaigncall_finished"])
        let events = found.story.compactMap(\.because.first).map(\.event.type)
        #expect(events.first == "target_leased" && events.last == "target_attempt_finished")
        #expect(events.contains("attempt_claimed") && events.contains("campaigncall_progressing"))
        #expect(try world.why("attempt:\(attempt)").story.count == found.story.count)
        #expect(try world.why("\(target)").subject.hasPrefix("target "))
        #expect(throws: ToolError.self) { try world.why("campaign:\(attempt)") }
        #expect(throws: ToolError.self) { try world.why("target:\(world.newID())") }
    }

    @Test func programsGetOneDocument() throws {
        let target = try world.addTarget("+15550100002", to: outdial)
        try world.start(try world.makeCampaign(on: outdial))
        try world.run(for: 30_000)
        let json = try world.why("target:\(target)").json
        #expect(json["obstacles"].array?.first?["reason"] == "retry_due")
        #expect(json["obstacles"].array?.first?["events"].array?.first?["type"] == "target_attempt_finished")
        #expect(json["story"].array?.isEmpty == false)
        #expect(Timestamp(parsing: json["as_of"].string ?? "") == world.now)
    }
}
