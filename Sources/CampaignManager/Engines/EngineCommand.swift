import CampaignDomain
package import Contracts

/// One attempt for another dialing engine: to be published once, ever.
package struct EngineCommand: Hashable, Sendable {
    package var route: String
    package var command: DialCommand
    package var correlation: ID

    /// What is known of a command that the broker did not confirm.
    package enum Failure: Hashable, Sendable {
        /// No broker has it: nobody can dial.
        case notSent
        /// It may be in the queue or not.
        case unconfirmed
    }

    init(_ assignment: Campaigncall.Assignment, correlation: ID) {
        route = assignment.engine
        command = assignment.command
        self.correlation = correlation
    }
}
