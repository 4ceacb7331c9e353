import CampaignDomain
package import Contracts
package import Service

/// A route that another dialing engine serves.
package struct EngineRoute: Hashable, Sendable {
    package var name: String
    /// How many attempts it holds at once.
    package var channels: Int64
    /// The broker's users that may report its calls; empty allows anybody.
    package var users: Set<String>

    package init(name: String, channels: Int64, users: Set<String> = []) {
        self.name = name
        self.channels = channels
        self.users = users
    }

    /// Stands where a worker's journal stands, so that what it holds is counted alike. Always the same for a name.
    package var journal: ID { ID(naming: "engine/\(name)") }
}

/// Which routes other engines serve, and who may report calls.
package struct EngineRoutes: Hashable, Sendable {
    package var routes: [EngineRoute]
    /// The broker's users of our workers; empty allows anybody who is not an engine's.
    package var workerUsers: Set<String>
    /// How long a command may wait for an engine: `CARILLON_ENGINE_START_WITHIN`.
    package var startWithin: Milliseconds

    package init(
        routes: [EngineRoute] = [],
        workerUsers: Set<String> = [],
        startWithin: Milliseconds = Milliseconds(30_000)
    ) {
        self.routes = routes
        self.workerUsers = workerUsers
        self.startWithin = startWithin
    }

    /// Reads `acme=200:acme-engine,other=50`: route=channels, then the users that may report its calls. Throws
    /// ``ConfigurationError`` for anything else.
    package static func routes(parsing setting: Setting) throws(ConfigurationError) -> [EngineRoute] {
        var routes: [EngineRoute] = []
        for part in (setting.value ?? "").filter({ $0 != " " }).split(separator: ",") {
            guard let route = route(String(part)), !routes.contains(where: { $0.name == route.name }) else {
                throw setting.refusal(
                    "give routes and their channels, each route once: acme=200:acme-engine,other=50 (names of 1 to 64 "
                        + "letters, digits, _ and -; 1 to 100000 channels; then the broker's users that may report)"
                )
            }
            routes.append(route)
        }
        return routes
    }

    private static func route(_ text: String) -> EngineRoute? {
        let halves = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard halves.count == 2, (1...64).contains(halves[0].utf8.count), halves[0].utf8.allSatisfy(isPlain) else {
            return nil
        }
        let parts = halves[1].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let channels = Int64(parts[0]), (1...100_000).contains(channels),
            parts.dropFirst().allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isPlain) })
        else {
            return nil
        }
        return EngineRoute(name: halves[0], channels: channels, users: Set(parts.dropFirst()))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95 || byte == 45
    }

    /// Whether who published `event` may report that call: users of a route its calls, our workers those of journals.
    func allows(_ event: CallEvent, of assignment: Campaigncall.Assignment) -> Bool {
        guard assignment.engine.isEmpty else {
            // A route that is not served any more: its last calls may still end.
            guard let route = routes.first(where: { $0.name == assignment.engine }) else { return true }
            return route.users.isEmpty || event.user.map { route.users.contains($0) } == true
        }
        guard workerUsers.isEmpty else { return event.user.map { workerUsers.contains($0) } == true }
        guard let user = event.user else { return true }
        return !routes.contains { $0.users.contains(user) }
    }
}
