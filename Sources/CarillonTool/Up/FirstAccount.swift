import Contracts
import Foundation

/// The account that `carillon up` makes once, with everything needed to use it.
///
/// The file is written before the account is made, so that a crash in between repeats the same ids and secrets.
struct FirstAccount: Hashable, Sendable {
    var customer: ID
    var agent: ID
    var accessKeyID: ID
    var username: String
    var password: String
    var accessKey: String
    /// Where the gateway listened last.
    var url: String

    static func path(_ directory: String) -> String { directory + "/first-account.json" }

    /// The account of the data directory; nil when it has none.
    static func load(_ directory: String) throws(ToolError) -> FirstAccount? {
        let file = path(directory)
        guard access(file, F_OK) == 0 else { return nil }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .failed("\(file) cannot be read; check its owner and mode")
        }
        do {
            return try FirstAccount(json: try JSONValue(parsing: data))
        } catch {
            throw .failed("\(file) cannot be read (\(error)); restore it from a backup")
        }
    }

    func save(_ directory: String) throws(ToolError) {
        try PrivateFile.write(json.text + "\n", to: FirstAccount.path(directory))
    }

    static func makeNew() -> FirstAccount {
        var ids = IDGenerator()
        return FirstAccount(
            customer: ids.next(at: .now()),
            agent: ids.next(at: .now()),
            accessKeyID: ids.next(at: .now()),
            username: "admin",
            password: Secret.make(20),
            accessKey: "vb_" + Secret.make(32),
            url: ""
        )
    }

    /// What campaign-manager is asked to make; asking again changes nothing.
    var bootstrap: JSONValue {
        [
            "customer_id": .id(customer), "agent_id": .id(agent), "accesskey_id": .id(accessKeyID),
            "name": "First account", "username": .string(username), "password": .string(password),
            "token": .string(accessKey),
        ]
    }
}

extension FirstAccount {
    var json: JSONValue {
        [
            "customer_id": .id(customer), "agent_id": .id(agent), "accesskey_id": .id(accessKeyID),
            "username": .string(username), "password": .string(password), "access_key": .string(accessKey),
            "url": .string(url),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        self.init(
            customer: try json.requireID("customer_id"),
            agent: try json.requireID("agent_id"),
            accessKeyID: try json.requireID("accesskey_id"),
            username: try json.requireString("username"),
            password: try json.requireString("password"),
            accessKey: try json.requireString("access_key"),
            url: try json.requireString("url")
        )
    }
}

/// Texts that cannot be guessed.
enum Secret {
    /// `count` random letters and digits, almost six bits each.
    static func make(_ count: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var generator = SystemRandomNumberGenerator()
        return String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }
}
