/// How streams of events behave.
package struct StreamSettings: Sendable, Hashable {
    /// How often a campaign that somebody watches is looked at.
    package var pollInterval: Duration = .seconds(1)
    /// How often a stream says that it is alive, and asks whether its caller still may read it. With the time that an
    /// identity is believed, this stays below 30 seconds.
    package var heartbeat: Duration = .seconds(15)
    /// How many streams one customer may have open.
    package var streamsPerCustomer = 100
    /// How many events may wait for a client; a stream that falls behind by more ends, and its client resumes.
    package var maximumWaiting = 4_000

    package init() {}
}
