/// What a client keeps a connection waiting with, and whether that has lasted too long: a value without any I/O.
///
/// Time in which the gateway itself does not read (a manager is slow) is never held against a client.
package struct ConnectionWatch: Sendable {
    /// What is to be done about a client.
    package enum Verdict: Sendable, Hashable {
        case fine
        /// No head in time: it is told so, and the connection ends.
        case headTooSlow
        /// No byte of the body for too long: whoever reads the body is told.
        case bodyStalled
        /// It does not read its answer, does not send its next request, or does not close: the connection ends.
        case over
    }

    private let timeouts: ConnectionTimeouts
    /// Requests whose head has come and whose answer has not ended.
    private var openRequests = 0
    private var isReadingBody = false
    /// When the first byte came of a head that is not complete.
    private var headStarted: ContinuousClock.Instant?
    /// Since when bytes are wanted and do not come.
    private var waitsForBytes: ContinuousClock.Instant?
    /// Since when nothing is under way.
    private var idleSince: ContinuousClock.Instant?
    /// Since when a body still comes whose answer has ended.
    private var drainsSince: ContinuousClock.Instant?
    /// Since when everything is answered and only the client's end is waited for.
    private var endsSince: ContinuousClock.Instant?
    private var unsent = (bytes: 0, since: ContinuousClock.now)

    /// A connection that was just accepted.
    package init(_ timeouts: ConnectionTimeouts, at now: ContinuousClock.Instant) {
        self.timeouts = timeouts
        headStarted = now
    }

    /// Whether an answer is still owed.
    package var isAnswering: Bool { openRequests > 0 }

    /// Whether everything is answered and only the client's end of the connection is waited for.
    package var isEnding: Bool { endsSince != nil || drainsSince != nil }

    package mutating func wantsBytes(at now: ContinuousClock.Instant) {
        if waitsForBytes == nil { waitsForBytes = now }
    }

    package mutating func bytesArrived(at now: ContinuousClock.Instant) {
        waitsForBytes = nil
        guard !isReadingBody, headStarted == nil else { return }
        headStarted = now
        idleSince = nil
    }

    package mutating func headArrived() {
        headStarted = nil
        idleSince = nil
        openRequests += 1
        isReadingBody = true
    }

    package mutating func bodyEnded(at now: ContinuousClock.Instant) {
        isReadingBody = false
        headStarted = nil
        // Answered before it was read to its end: the connection goes on with the next request.
        if drainsSince != nil { idleSince = now }
        drainsSince = nil
    }

    /// - Parameter isLast: the connection ends with this answer.
    package mutating func answerEnded(isLast: Bool, at now: ContinuousClock.Instant) {
        openRequests = max(0, openRequests - 1)
        if isLast {
            endsSince = endsSince ?? now
        } else if isReadingBody, openRequests == 0 {
            drainsSince = now
        } else if openRequests == 0, headStarted == nil {
            idleSince = now
        }
    }

    /// Whether the client is still in time. `unsentBytes` are those of answers that it has not taken yet.
    package mutating func verdict(unsentBytes: Int, at now: ContinuousClock.Instant) -> Verdict {
        if unsentBytes == 0 || unsentBytes != unsent.bytes { unsent = (unsentBytes, now) }
        if unsentBytes > 0, now - unsent.since >= timeouts.answer { return .over }
        // An answer that is still on its way is waited for first.
        if unsentBytes == 0, ConnectionWatch.isOver(endsSince ?? drainsSince, timeouts.drain, now) { return .over }
        if isEnding { return .fine }
        if ConnectionWatch.isOver(idleSince, timeouts.idle, now) { return .over }
        if openRequests == 0, ConnectionWatch.isOver(headStarted, timeouts.head, now) { return .headTooSlow }
        if isReadingBody, ConnectionWatch.isOver(waitsForBytes, timeouts.body, now) { return .bodyStalled }
        return .fine
    }

    private static func isOver(
        _ start: ContinuousClock.Instant?,
        _ limit: Duration,
        _ now: ContinuousClock.Instant
    ) -> Bool {
        start.map { now - $0 >= limit } ?? false
    }
}
