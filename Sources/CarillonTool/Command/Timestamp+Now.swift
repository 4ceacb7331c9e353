import Contracts
import Foundation

extension Timestamp {
    /// The system's clock.
    static func now() -> Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
