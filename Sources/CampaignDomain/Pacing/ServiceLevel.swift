package import Contracts

/// How many calls the campaigns of one queue may have under way for its agents.
///
/// A campaign dials while `available > dialing * service_level / 100`. *available* are the queue's agents who can be rung.
/// *dialing* are the calls of all its campaigns that may still need one of them: asked for or unanswered, or answered and
/// without an agent. A caller whom agents are rung for has one: such an agent is not available, and neither counts twice.
/// With level 0 any agent who is available is enough. Level 100 has one call under way for each agent, 50 has two.
package enum ServiceLevel {
    /// Whether one more call may be dialed.
    package static func allows(available: Int64, dialing: Int64, level: Int64) -> Bool {
        level == 0 ? available > 0 : available * 100 > dialing * level
    }

    /// A campaign that would dial.
    package struct Member: Hashable, Sendable {
        package var campaign: ID
        package var level: Int64
        /// The most that its other limits allow.
        package var limit: Int64
        package var route: String

        package init(campaign: ID, level: Int64, limit: Int64, route: String) {
            self.campaign = campaign
            self.level = level
            self.limit = limit
            self.route = route
        }
    }

    /// How many calls each may ask for now: one after the other in the order given, each by its own level, while the
    /// calls that all of them may have under way last.
    ///
    /// - Parameters:
    ///   - channels: free channels by route.
    ///   - most: the most for one of them at once.
    package static func shares(
        of members: [Member],
        available: Int64,
        dialing: Int64,
        channels: [String: Int64],
        most: Int64
    ) -> [Int64] {
        var shares = members.map { _ in Int64(0) }
        var (dialing, channels) = (dialing, channels)
        var isMoving = true
        while isMoving {
            isMoving = false
            for (index, member) in members.enumerated() {
                guard shares[index] < min(member.limit, most), channels[member.route, default: 0] > 0,
                    allows(available: available, dialing: dialing, level: member.level)
                else { continue }
                shares[index] += 1
                dialing += 1
                channels[member.route, default: 0] -= 1
                isMoving = true
            }
        }
        return shares
    }
}
