package import Contracts

/// Reports of calls that changed nothing: how many, why, and one of each as an example.
package struct IgnoredReports: Hashable, Sendable {
    package enum Reason: String, Sendable, CaseIterable {
        /// No attempt of ours has that call.
        case unknownCall = "unknown_call"
        /// The broker's user that published it does not serve the call's route.
        case notAllowed = "not_allowed"
        /// It was applied before.
        case repeated
        /// It came too late, or says no more than what was reported before.
        case late
    }

    package struct Example: Hashable, Sendable {
        package var source: String
        package var user: String
        package var kind: CallEvent.Kind
        package var call: ID
    }

    package private(set) var counts: [Reason: Int] = [:]
    package private(set) var examples: [Reason: Example] = [:]

    package init() {}

    mutating func add(_ reason: Reason, _ event: CallEvent) {
        counts[reason, default: 0] += 1
        guard examples[reason] == nil else { return }
        examples[reason] = Example(
            source: String(event.source.prefix(100)),
            user: event.user ?? "",
            kind: event.kind,
            call: event.call.isNone ? event.attempt : event.call
        )
    }
}
