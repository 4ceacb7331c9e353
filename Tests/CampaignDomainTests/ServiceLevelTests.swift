import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct ServiceLevelTests {
    private func member(_ number: UInt64, level: Int64 = 100, limit: Int64 = 1_000) -> ServiceLevel.Member {
        ServiceLevel.Member(campaign: id(number), level: level, limit: limit, route: "default")
    }

    private func shares(
        _ members: [ServiceLevel.Member],
        available: Int64,
        dialing: Int64 = 0,
        channels: Int64 = 1_000,
        most: Int64 = 250
    ) -> [Int64] {
        ServiceLevel.shares(
            of: members,
            available: available,
            dialing: dialing,
            channels: ["default": channels],
            most: most
        )
    }

    /// The table of the documents for ten agents.
    @Test(arguments: [(100, 10), (80, 13), (200, 5), (50, 20), (1_000_000, 1)] as [(Int64, Int64)])
    func `a level allows as many calls as the documents say`(_ level: Int64, _ calls: Int64) {
        #expect(shares([member(1, level: level)], available: 10) == [calls])
        #expect(ServiceLevel.allows(available: 10, dialing: calls - 1, level: level))
        #expect(!ServiceLevel.allows(available: 10, dialing: calls, level: level))
    }

    @Test func `with level 0 one free agent is enough, and none is none`() {
        #expect(shares([member(1, level: 0)], available: 1, dialing: 500) == [250])
        #expect(shares([member(1, level: 0), member(2)], available: 0) == [0, 0])
    }

    @Test func `calls that are under way count for all campaigns of the queue, and these take turns`() {
        #expect(shares([member(1), member(2)], available: 10) == [5, 5])
        #expect(shares([member(1), member(2)], available: 10, dialing: 7) == [2, 1])
        #expect(shares([member(1), member(2, limit: 2)], available: 10) == [8, 2])
        #expect(shares([member(1), member(2)], available: 10, channels: 3) == [2, 1])
        #expect(shares([member(1), member(2), member(3)], available: 500, most: 100) == [100, 100, 100])
        #expect(shares([member(1), member(2)], available: 10, dialing: 10) == [0, 0])
    }

    @Test func `each campaign goes by its own level`() {
        // The second may have 20 calls under way for ten agents, together with those of the first.
        #expect(shares([member(1), member(2, level: 50)], available: 10) == [5, 15])
    }

    @Test func `there is no cap of a hundred agents or calls`() {
        #expect(shares([member(1)], available: 1_000, dialing: 900, most: 1_000) == [100])
        #expect(shares([member(1)], available: 150, dialing: 150) == [0])
    }
}
