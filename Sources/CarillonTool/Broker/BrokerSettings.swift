import Contracts
import Foundation

/// What a private broker keeps from one start to the next: its name, ports and password.
struct BrokerSettings: Hashable, Sendable {
    /// Independent of the ports: the broker's data is kept under this name.
    var nodeName: String
    var port: Int
    var distributionPort: Int
    var epmdPort: Int
    var user: String
    var password: String
    /// The passwords of the users that are not administrators, by name.
    var passwords: [String: String] = [:]

    static func makeNew() -> BrokerSettings {
        let ports = FreePort.find(3)
        return BrokerSettings(
            nodeName: "carillon-\(randomHex(8))@localhost",
            port: ports[0],
            distributionPort: ports[1],
            epmdPort: ports[2],
            user: "carillon",
            password: randomHex(32)
        )
    }

    /// Takes other ports for those that somebody else listens on now.
    mutating func replaceTakenPorts(isFree: (Int) -> Bool = FreePort.isFree) {
        let fresh = FreePort.find(3)
        if !isFree(port) { port = fresh[0] }
        if !isFree(distributionPort) { distributionPort = fresh[1] }
        if !isFree(epmdPort) { epmdPort = fresh[2] }
    }

    /// Gives each of `users` a password, once.
    mutating func makePasswords(of users: [BrokerUser]) {
        for user in users where passwords[user.name] == nil { passwords[user.name] = BrokerSettings.randomHex(32) }
    }

    /// The address for one user; nil for one without a password.
    func url(of name: String) -> String? {
        passwords[name].map { "amqp://\(name):\($0)@127.0.0.1:\(port)/%2f" }
    }

    /// The address for the administrator.
    var url: String { "amqp://\(user):\(password)@127.0.0.1:\(port)/%2f" }

    static func randomHex(_ digits: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789abcdef")
        return String((0..<digits).map { _ in alphabet[Int.random(in: 0..<16, using: &generator)] })
    }
}

extension BrokerSettings {
    var json: JSONValue {
        [
            "node_name": .string(nodeName), "port": .integer(port), "distribution_port": .integer(distributionPort),
            "epmd_port": .integer(epmdPort), "user": .string(user), "password": .string(password),
            "passwords": .object(
                passwords.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0.append($1.key, .string($1.value)) }
            ),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        self.init(
            nodeName: try json.requireString("node_name"),
            port: try json.requireInt("port"),
            distributionPort: try json.requireInt("distribution_port"),
            epmdPort: try json.requireInt("epmd_port"),
            user: try json.requireString("user"),
            password: try json.requireString("password"),
            passwords: (json["passwords"].object?.members ?? []).reduce(into: [:]) { $0[$1.name] = $1.value.string }
        )
    }
}
