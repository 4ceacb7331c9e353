package import Contracts
import EventLog

/// Clocks that are handed to what needs the time.
package enum Clock {
    /// The wall clock in microseconds, UTC.
    package static let wall: @Sendable () -> Timestamp = { WallClock.now() }
}
