import APIGateway
import Testing

@Suite struct TokenBucketTests {
    private let start = ContinuousClock.now
    private let rate = Rate(perSecond: 10, burst: 20)

    @Test func twentyAtOnceAndThenTenASecond() {
        var bucket = TokenBucket(rate, at: start)
        for _ in 0..<20 { #expect(bucket.take(rate, at: start) == nil) }
        #expect(bucket.take(rate, at: start) == .milliseconds(100))
        let later = start + .seconds(1)
        for _ in 0..<10 { #expect(bucket.take(rate, at: later) == nil) }
        #expect(bucket.take(rate, at: later) != nil)
    }

    @Test func aPauseFillsItAndNoMoreThanThat() {
        var bucket = TokenBucket(rate, at: start)
        for _ in 0..<20 { _ = bucket.take(rate, at: start) }
        let later = start + .seconds(3600)
        for _ in 0..<20 { #expect(bucket.take(rate, at: later) == nil) }
        #expect(bucket.take(rate, at: later) != nil)
    }

    @Test func askingTakesNothingAndARefusalNeither() {
        var bucket = TokenBucket(rate, at: start)
        for _ in 0..<100 { #expect(bucket.wait(rate, at: start) == nil) }
        for _ in 0..<20 { _ = bucket.take(rate, at: start) }
        for _ in 0..<100 { #expect(bucket.take(rate, at: start) == .milliseconds(100)) }
        #expect(bucket.take(rate, at: start + .milliseconds(100)) == nil)
    }

    @Test func aMomentBeforeTheLastOneChangesNothing() {
        var bucket = TokenBucket(rate, at: start)
        for _ in 0..<20 { _ = bucket.take(rate, at: start) }
        #expect(bucket.take(rate, at: start - .seconds(10)) == .milliseconds(100))
    }

    @Test func whatWasNotUsedForLongestIsForgotten() {
        var names = RecentlyUsed<Int, Int>(capacity: 100)
        for number in 0..<10_000 {
            names[number] = number
            // In use all the time.
            _ = names[0]
            #expect(names.count <= 100)
        }
        #expect(names[0] == 0 && names[9_999] == 9_999 && names[5_000] == nil)
        names[0] = nil
        #expect(names[0] == nil)
    }
}
