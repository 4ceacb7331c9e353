package import Contracts
import Glibc

/// Clocks that are handed to what needs the time.
package enum Clock {
    /// The wall clock in microseconds, UTC.
    package static let wall: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
