import CampaignManager
import Contracts
import Crypto
import Foundation

/// A user of the broker and all that it may do there: regular expressions over names of exchanges and queues.
struct BrokerUser: Hashable, Sendable {
    var name: String
    /// What it may declare.
    var configure = "^$"
    /// Exchanges to publish on, queues to bind.
    var write = "^$"
    /// Queues to consume, exchanges to bind to.
    var read = "^$"
    /// Routing keys that it may publish by exchange; all where none is named.
    var topics: [String: String] = [:]
    var isAdministrator = false

    static let daemons = ["api-gateway", "campaign-manager", "outdial-manager", "dialer-worker"]

    /// Who reports calls of our workers.
    static let worker = "dialer-worker"

    /// The users of our four daemons: each declares its own queues and the exchanges that all share, publishes on the
    /// default exchange (which routes to a queue by name, and which has no finer rights), and reads its own queues alone.
    static func daemons(prefix: String) -> [BrokerUser] {
        let names = BusNames(prefix: prefix)
        let shared = [names.events, names.calls, names.parked]
        let toQueues = "amq.default"
        func own(_ manager: Manager) -> [String] { [names.requests(manager), names.inbox(manager)] }
        let engines = [names.undelivered, names.webhooks]
        return [
            BrokerUser(name: "api-gateway", configure: pattern(shared), write: pattern([toQueues])),
            BrokerUser(
                name: "campaign-manager",
                configure: pattern(shared + own(.campaign) + engines, under: [names.dial(route: "")]),
                write: pattern([toQueues, names.events, names.inbox(.campaign), names.webhooks]),
                read: pattern(
                    own(.campaign) + engines + [names.calls, names.events],
                    under: [names.dial(route: "")]
                )
            ),
            BrokerUser(
                name: "outdial-manager",
                configure: pattern(shared + own(.outdial)),
                write: pattern([toQueues, names.events]),
                read: pattern(own(.outdial))
            ),
            BrokerUser(
                name: worker,
                configure: pattern(shared, under: ["\(prefix).worker."]),
                write: pattern([toQueues, names.calls]),
                read: pattern([], under: ["\(prefix).worker."])
            ),
        ]
    }

    /// Somebody's dialing engine: takes the commands of its routes, reports calls, and nothing else.
    static func engine(_ name: String, routes: [String], prefix: String) -> BrokerUser {
        let names = BusNames(prefix: prefix)
        return BrokerUser(
            name: name,
            write: pattern([names.calls]),
            read: pattern(routes.map { names.dial(route: $0) }),
            topics: [names.calls: pattern(CallEvent.Kind.allCases.map(\.rawValue))]
        )
    }

    /// Somebody's program that reads events: has queues of its own, named after it, and binds them.
    static func listener(_ name: String, prefix: String) -> BrokerUser {
        let names = BusNames(prefix: prefix)
        let own = pattern([name], under: ["\(name)."])
        return BrokerUser(
            name: name,
            configure: own,
            write: own,
            read: pattern([name, names.events, names.calls], under: ["\(name)."])
        )
    }

    /// The engines' users of a setting `CARILLON_ENGINE_ROUTES`, each with its routes.
    static func engines(_ routes: [EngineRoute], prefix: String) -> [BrokerUser] {
        var byUser: [String: [String]] = [:]
        for route in routes { for user in route.users { byUser[user, default: []].append(route.name) } }
        return byUser.sorted { $0.key < $1.key }.map { engine($0.key, routes: $0.value.sorted(), prefix: prefix) }
    }

    /// Exactly `names`, or anything that begins with one of `prefixes`.
    private static func pattern(_ names: [String], under prefixes: [String] = []) -> String {
        let all = names.map(escaped) + prefixes.map { escaped($0) + ".*" }
        return "^(\(all.joined(separator: "|")))$"
    }

    private static func escaped(_ text: String) -> String {
        text.map { "\\.+*?()[]{}^$|".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }
}

extension BrokerUser {
    /// What `load_definitions` and `rabbitmqctl import_definitions` take: the users with their passwords and rights.
    static func definitions(_ users: [BrokerUser], passwords: [String: String], virtualHost: String = "/") -> JSONValue
    {
        let vhost = JSONValue.string(virtualHost)
        return [
            "vhosts": [["name": vhost]],
            "users": .array(
                users.map { user in
                    [
                        "name": .string(user.name), "password_hash": .string(hash(passwords[user.name] ?? "")),
                        "hashing_algorithm": "rabbit_password_hashing_sha256",
                        "tags": user.isAdministrator ? "administrator" : "",
                    ]
                }
            ),
            "permissions": .array(
                users.map { user in
                    [
                        "user": .string(user.name), "vhost": vhost, "configure": .string(user.configure),
                        "write": .string(user.write), "read": .string(user.read),
                    ]
                }
            ),
            "topic_permissions": .array(
                users.flatMap { user in
                    user.topics.sorted { $0.key < $1.key }.map { exchange, keys in
                        [
                            "user": .string(user.name), "vhost": vhost, "exchange": .string(exchange),
                            "write": .string(keys), "read": "^$",
                        ]
                    }
                }
            ),
        ]
    }

    /// The broker's form of a password: four bytes of salt, then the digest of salt and password, in Base64.
    private static func hash(_ password: String) -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return Data(salt + Array(SHA256.hash(data: salt + Array(password.utf8)))).base64EncodedString()
    }
}
