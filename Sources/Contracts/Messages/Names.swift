/// The names of exchanges and queues, all below one prefix (`CARILLON_AMQP_PREFIX`).
package struct BusNames: Hashable, Sendable {
    package let prefix: String
    package init(prefix: String) { self.prefix = prefix }

    /// Topic exchange of every published event, routing key = its type.
    package var events: String { "\(prefix).events" }
    /// Topic exchange of call events, routing key = their type; any dialing engine may publish here.
    package var calls: String { "\(prefix).calls" }
    /// Where a manager takes requests (RPC).
    package func requests(_ manager: Manager) -> String { "\(prefix).\(manager.rawValue).requests" }
    /// Where a manager takes what the other daemons tell it.
    package func inbox(_ manager: Manager) -> String { "\(prefix).\(manager.rawValue).inbox" }
    /// Commands to the one worker whose journal has this id.
    package func worker(journal: ID) -> String { "\(prefix).worker.\(journal)" }
    /// The published events that may be for customers' webhooks.
    package var webhooks: String { "\(prefix).webhooks" }
    /// Commands to the dialing engines of others that serve a route.
    package func dial(route: String) -> String { "\(prefix).dial.\(route)" }
    /// Commands of those queues that nobody took, or that somebody took and did not answer for.
    package var undelivered: String { "\(prefix).undelivered" }
    /// Messages that could not be understood or applied, with reason and raw bytes.
    package var parked: String { "\(prefix).parked" }
}

/// The daemons that own logs and answer requests.
package enum Manager: String, Sendable, CaseIterable {
    case campaign = "campaign-manager"
    case outdial = "outdial-manager"
}
