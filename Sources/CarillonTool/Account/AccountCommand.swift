import ArgumentParser
import Contracts

/// `carillon account`: customers and their first users and keys.
struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Makes and lists accounts.",
        subcommands: [CreateCommand.self, ListCommand.self]
    )

    struct CreateCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Makes a customer with a user and an access key, which is shown only now."
        )
        @Argument(help: "The customer's name.")
        var name: String

        @Option(help: "The name of its user.")
        var username = "admin"

        @Option(help: "The user's password. Default: one is made and shown.")
        var password: String?

        @OptionGroup var options: GatewayOptions

        func run() async throws {
            let secret = password ?? Secret.make(20)
            let answer = try await options.gateway().post(
                "/v1.0/customers",
                ["name": .string(name), "username": .string(username), "password": .string(secret)]
            )
            var lines = ["customer    \(answer["customer"]["id"].string ?? "")", "user        \(username)"]
            if password == nil { lines.append("password    \(secret)") }
            if let token = answer["accesskey"]["token"].string { lines.append("access key  \(token)") }
            Terminal.write(lines.joined(separator: "\n") + "\n")
        }
    }

    struct ListCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists all customers.")
        @OptionGroup var options: GatewayOptions

        func run() async throws {
            let gateway = try options.gateway()
            var token = ""
            repeat {
                let page = try await gateway.get(
                    "/v1.0/customers?page_size=100" + (token.isEmpty ? "" : "&page_token=\(token)")
                )
                for customer in page["result"].array ?? [] {
                    Terminal.write("\(customer["id"].string ?? "")  \(customer["name"].string ?? "")\n")
                }
                token = (page["next_page_token"].string ?? "").replacing(" ", with: "%20")
            } while !token.isEmpty
        }
    }
}
