import ArgumentParser
import CampaignManager
import Contracts
import Service

/// `carillon broker-users`: the users that a broker of your own should have, each with the least that it needs.
struct BrokerUsersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker-users",
        abstract: "Prints definitions for a RabbitMQ of your own: a user for each daemon and for other programs.",
        discussion: """
            Each has a new password; the addresses with the passwords go to a directory, one file for each user. \
            deploy/rabbitmq/users has the broker of this machine take them.

            Example: carillon broker-users --urls secrets --engine acme=200:acme-engine --listener crm > definitions.json
            """
    )

    @Option(help: "A directory for the users' addresses, <user>.url, readable by you alone.")
    var urls: String

    @Option(help: "The broker as the daemons reach it: host:port.")
    var broker = "127.0.0.1:5672"

    @Option(help: "The prefix of all names (CARILLON_AMQP_PREFIX).")
    var prefix = "carillon"

    @Option(help: "The virtual host.")
    var vhost = "/"

    @Option(help: "Routes of other dialing engines with their users, as in CARILLON_ENGINE_ROUTES.")
    var engine: String?

    @Option(help: "The user of a program that reads events; may be given several times.")
    var listener: [String] = []

    func run() throws {
        let routes = try BrokerUsersCommand.routes(Setting("CARILLON_ENGINE_ROUTES", flag: engine, in: [:]))
        let users =
            BrokerUser.daemons(prefix: prefix) + BrokerUser.engines(routes, prefix: prefix)
            + listener.map { BrokerUser.listener($0, prefix: prefix) }
        guard Set(users.map(\.name)).count == users.count else {
            throw ToolError.configuration("two users have one name; give each engine and listener a name of its own")
        }
        try PrivateFile.makeDirectory(urls)
        var passwords: [String: String] = [:]
        for user in users {
            let password = BrokerSettings.randomHex(32)
            passwords[user.name] = password
            let host = vhost == "/" ? "%2f" : vhost
            try PrivateFile.write("amqp://\(user.name):\(password)@\(broker)/\(host)\n", to: "\(urls)/\(user.name).url")
        }
        Terminal.write(BrokerUser.definitions(users, passwords: passwords, virtualHost: vhost).text + "\n")
    }

    /// The routes of a setting; throws what is wrong with it as this tool says it.
    static func routes(_ setting: Setting) throws(ToolError) -> [EngineRoute] {
        do {
            return try EngineRoutes.routes(parsing: setting)
        } catch {
            throw .configuration("\(error)")
        }
    }
}
