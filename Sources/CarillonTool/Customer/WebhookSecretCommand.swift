import ArgumentParser
import Contracts

/// `carillon webhook-secret`: another secret for the webhooks of the own customer.
struct WebhookSecretCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook-secret",
        abstract: "Makes a new secret for your webhooks and shows it, this once.",
        discussion: """
            Webhooks are signed with it from now on, those that wait included.

            \(ResourceHelp.statuses)
            """
    )

    @Flag(help: "The answer as one JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    func run() async throws {
        try await ResourceAccess.perform(options) { gateway in
            let answer = try await gateway.post("/v1.0/customer/webhook_secret", [:])
            Terminal.write((json ? answer.text : answer["webhook_secret"].string ?? "") + "\n")
        }
    }
}
