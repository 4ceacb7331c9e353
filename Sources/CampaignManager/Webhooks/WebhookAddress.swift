import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

/// Where one customer's webhooks go, and what they are signed with.
package struct WebhookAddress: Hashable, Sendable {
    package var uri: String
    package var method: String
    package var secret: String

    package init(uri: String, method: String, secret: String) {
        self.uri = uri
        self.method = method
        self.secret = secret
    }

    /// All customers that have one.
    static func all(_ log: LogReader) throws -> [ID: WebhookAddress] {
        try log.read { db in
            let customers = try CampaignTables.customers.fetch(
                "WHERE json_extract(state, '$.webhook_uri') <> ''",
                [],
                in: db
            )
            // One without a secret was set by an earlier version, which sent nothing: nothing goes out unsigned.
            return customers.filter { !$0.state.webhookSecret.isEmpty }.reduce(into: [:]) { found, customer in
                let profile = customer.state.profile
                found[customer.id] = WebhookAddress(
                    uri: profile.webhookURI,
                    method: profile.webhookMethod == .none ? "POST" : profile.webhookMethod.rawValue,
                    secret: customer.state.webhookSecret
                )
            }
        }
    }
}
