import Foundation
package import Testing

extension Trait where Self == ConditionTrait {
    /// Only with `CARILLON_DEEP_TESTS=1` in the environment: the long variant of a test.
    package static var deep: Self { .enabled(if: isDeep, "set CARILLON_DEEP_TESTS=1") }
}

/// Whether the long variants of tests are to run.
package let isDeep = ProcessInfo.processInfo.environment["CARILLON_DEEP_TESTS"] == "1"
