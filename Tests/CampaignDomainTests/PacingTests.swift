import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct PacingTests {
    func permits(concurrent: Int64 = 0, open: Int64 = 0, rate: Int64? = nil, free: Int64 = 1000) -> Int64 {
        Pacing(maximumConcurrent: concurrent, open: open, rateAllowance: rate, freeChannels: free).permits
    }

    @Test func `permits are the smallest of the limits`() {
        #expect(permits(free: 7) == 7)
        #expect(permits(concurrent: 10, open: 4, free: 7) == 6)
        #expect(permits(concurrent: 10, open: 4, rate: 2, free: 7) == 2)
        #expect(permits(concurrent: 10, open: 12) == 0)
        #expect(permits(rate: -3) == 0)
        #expect(permits(free: 100_000) == Pacing.largestRequest)
    }

    @Test func `in no second more than 1.1 times the rate, and over a minute the whole rate`() {
        for rate in [0.5, 1, 3, 10, 100, 2000] {
            var bucket = TokenBucket(rate: rate, now: moment(0))
            var taken: [Int64] = []
            for millisecond in 0..<60_000 {
                let now = Timestamp(microseconds: moment(0).microseconds + Int64(millisecond) * 1000)
                let count = bucket.available(at: now)
                bucket.take(count)
                taken.append(count)
            }
            let total = taken.reduce(0, +)
            #expect(Double(total) >= rate * 60 - max(1, rate / 25) && Double(total) <= rate * 60 * 1.01 + 2)
            var window = taken[0..<1000].reduce(0, +)
            var highest = window
            for index in 1000..<taken.count {
                window += taken[index] - taken[index - 1000]
                highest = max(highest, window)
            }
            #expect(Double(highest) <= max(rate * 1.1, rate + 1).rounded(.up))
        }
    }

    @Test func `a high rate comes in portions of a twenty-fifth of a second`() {
        var bucket = TokenBucket(rate: 200, now: moment(0))
        #expect(bucket.available(at: moment(0)) == 0)
        #expect(bucket.nextPortion(after: moment(0)) == Timestamp(microseconds: moment(0).microseconds + 35_000))
        #expect(bucket.available(at: Timestamp(microseconds: moment(0).microseconds + 35_000)) == 8)
    }

    @Test func `the next token has its moment, and a clock set back does not stop the rate`() {
        var bucket = TokenBucket(rate: 2, now: moment(10))
        #expect(bucket.available(at: moment(10)) == 1)
        bucket.take(1)
        #expect(bucket.nextPortion(after: moment(10)) == Timestamp(microseconds: moment(10).microseconds + 500_000))
        #expect(bucket.available(at: moment(5)) == 0)
        #expect(bucket.available(at: moment(6)) == 1)
    }
}
