import APIGateway
import Testing

@Suite struct ConnectionWatchTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func connection() -> ConnectionWatch { ConnectionWatch(ConnectionTimeouts(), at: start) }

    @Test func theFirstHeadHasTenSeconds() {
        var watch = connection()
        #expect(watch.verdict(unsentBytes: 0, at: at(9)) == .fine)
        watch.bytesArrived(at: at(9))
        #expect(watch.verdict(unsentBytes: 0, at: at(10)) == .headTooSlow)
    }

    @Test func aLaterHeadHasTenSecondsFromItsFirstByteAndBeforeThatSeventyFive() {
        var watch = connection()
        watch.headArrived()
        watch.bodyEnded(at: start)
        watch.answerEnded(isLast: false, at: at(1))
        #expect(watch.verdict(unsentBytes: 0, at: at(75)) == .fine)
        #expect(watch.verdict(unsentBytes: 0, at: at(76)) == .over)
        watch.bytesArrived(at: at(70))
        #expect(watch.verdict(unsentBytes: 0, at: at(79)) == .fine)
        #expect(watch.verdict(unsentBytes: 0, at: at(80)) == .headTooSlow)
    }

    @Test func aBodyMayTakeLongButNotStall() {
        var watch = connection()
        watch.headArrived()
        for second in stride(from: 0, to: 1000, by: 29) {
            watch.wantsBytes(at: at(second))
            #expect(watch.verdict(unsentBytes: 0, at: at(second + 29)) == .fine)
            watch.bytesArrived(at: at(second + 29))
        }
        watch.wantsBytes(at: at(2000))
        #expect(watch.verdict(unsentBytes: 0, at: at(2030)) == .bodyStalled)
    }

    @Test func timeInWhichNobodyReadsIsNotTheClients() {
        var watch = connection()
        watch.headArrived()
        watch.wantsBytes(at: start)
        watch.bytesArrived(at: at(1))
        #expect(watch.verdict(unsentBytes: 0, at: at(500)) == .fine)
    }

    @Test func anAnswerMayTakeAsLongAsItsMakerNeeds() {
        var watch = connection()
        watch.headArrived()
        watch.bodyEnded(at: start)
        watch.wantsBytes(at: start)
        #expect(watch.verdict(unsentBytes: 0, at: at(100_000)) == .fine)
    }

    @Test func whoTakesNoByteOfTheAnswerForThirtySecondsIsLeft() {
        var watch = connection()
        watch.headArrived()
        watch.bodyEnded(at: start)
        for second in 0..<200 { #expect(watch.verdict(unsentBytes: 10_000 - second, at: at(second)) == .fine) }
        #expect(watch.verdict(unsentBytes: 9_801, at: at(228)) == .fine)
        #expect(watch.verdict(unsentBytes: 9_801, at: at(229)) == .over)
    }

    @Test func afterTheLastAnswerTheConnectionEndsSoon() {
        var watch = connection()
        watch.headArrived()
        watch.answerEnded(isLast: false, at: at(1))
        // Its body is still coming, and nobody wants it.
        #expect(watch.verdict(unsentBytes: 0, at: at(5)) == .fine)
        #expect(watch.verdict(unsentBytes: 0, at: at(6)) == .over)
    }

    @Test func aBodyThatEndsAfterItsAnswerLeavesTheConnectionOpen() {
        var watch = connection()
        watch.headArrived()
        watch.answerEnded(isLast: false, at: at(1))
        watch.bodyEnded(at: at(2))
        #expect(watch.verdict(unsentBytes: 0, at: at(70)) == .fine)
        #expect(watch.verdict(unsentBytes: 0, at: at(77)) == .over)
    }

    @Test func aConnectionThatIsToEndDoesSoEvenWhenTheClientKeepsIt() {
        var watch = connection()
        watch.headArrived()
        watch.bodyEnded(at: at(1))
        watch.answerEnded(isLast: true, at: at(1))
        #expect(watch.verdict(unsentBytes: 10, at: at(6)) == .fine)
        #expect(watch.verdict(unsentBytes: 0, at: at(6)) == .over)
    }
}
