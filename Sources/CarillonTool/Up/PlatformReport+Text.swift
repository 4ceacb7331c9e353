import AMQP
import Contracts

extension PlatformReport {
    /// The one line of `up --json`.
    var json: JSONValue {
        [
            "ready": true, "http": .string(url), "access_key": .string(account.accessKey), "amqp_url": .string(amqpURL),
            "data_dir": .string(dataDirectory),
            "pids": [
                "rabbitmq": brokerPID.map { .integer(Int($0)) } ?? .null, "api-gateway": .integer(Int(gatewayPID)),
                "campaign-manager": .integer(Int(campaignManagerPID)),
                "outdial-manager": .integer(Int(outdialManagerPID)),
                "dialer-worker": .array(workerPIDs.map { .integer(Int($0)) }),
            ],
        ]
    }

    /// Where everything is, for a person.
    var text: String {
        let broker = (try? AMQPConfiguration(url: amqpURL, connectionName: ""))?.redactedURL ?? "given"
        let password =
            isNewAccount ? account.password : "as printed at the first start; see \(FirstAccount.path(dataDirectory))"
        let workers = workerPIDs.count == 1 ? "1 worker" : "\(workerPIDs.count) workers"
        return """
            Carillon is ready.
              API          \(url)
              access key   \(account.accessKey)
              user         \(account.username)
              password     \(password)
              broker       \(broker)\(brokerPID == nil ? "" : " (private)")
              data         \(dataDirectory)
              logs         \(dataDirectory)/log
              processes    gateway, 2 managers, \(workers); ids in \(dataDirectory)/run
            Stop with Ctrl-C.

            """
    }
}
