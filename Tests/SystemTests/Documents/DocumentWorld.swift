import Contracts
import Foundation
import Testing

/// What the documents' requests presuppose: a session, and objects for the ids that they name.
struct DocumentWorld {
    let system: CarillonSystem
    /// What stands for the ids and tokens of the documents.
    private(set) var replacements: [String: String]

    /// Has a session, as the documents have first.
    init() async throws {
        system = try await SharedSystem.current.system()
        let token = try await DocumentSession.shared.token(of: system)
        replacements = ["<YOUR_AUTH_TOKEN>": token, "<token>": token]
    }

    /// Makes an object and lets it stand for `names` of the documents.
    @discardableResult
    mutating func make(_ path: String, _ body: JSONValue, for names: String...) async throws -> ID {
        let id = try #require(try await system.api.call("POST", path, body)["id"].id)
        for name in names { replacements[name] = id.description }
        return id
    }

    /// Sends a curl command of the documents; it has to be answered with 200.
    func send(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JSONValue {
        let curl = try CurlCommand(command, replacements)
        let answer = try await system.api.client.send(
            curl.method,
            curl.path,
            headers: curl.headers,
            body: Array(curl.body.utf8),
            within: .seconds(30)
        )
        let said = String(decoding: answer.body, as: UTF8.self)
        try #require(answer.status == 200, "\(curl.method): \(said)", sourceLocation: sourceLocation)
        return answer.json
    }
}

extension DocumentWorld {
    /// The outdial, outplan, queue and flow that campaigns of the documents name.
    mutating func makeParts() async throws {
        try await make(
            "/v1.0/outdials",
            ["name": "test outdial", "detail": "outdial for test use.", "data": ""],
            for: "40bea034-1d17-474d-a5de-da00d0861c69",
            "<outdial-id>"
        )
        try await make(
            "/v1.0/outplans",
            ["name": "test outplan"],
            for: "d5fb7357-7ddb-4f2d-87b5-8ccbfd6c039e",
            "<outplan-id>"
        )
        try await make(
            "/v1.0/queues",
            ["name": "test queue"],
            for: "99bf739a-932f-433c-b1bf-103d33d7e9bb",
            "<queue-id>"
        )
        try await make("/v1.0/flows", ["name": "test flow", "actions": [["type": "answer"]]], for: "<flow-id>")
    }

    /// The campaign that the documents show.
    mutating func makeCampaign() async throws {
        try await makeParts()
        let id = try await make(
            "/v1.0/campaigns",
            [
                "name": "test campaign",
                "actions": [
                    [
                        "type": "talk",
                        "option": [
                            "text":
                                "Hello. This is outbound campaign's test calling. Please wait until the agent answer the call. Thank you.",
                            "language": "en-US",
                        ],
                    ]
                ],
                "outplan_id": part("d5fb7357-7ddb-4f2d-87b5-8ccbfd6c039e"),
                "outdial_id": part("40bea034-1d17-474d-a5de-da00d0861c69"),
                "queue_id": part("99bf739a-932f-433c-b1bf-103d33d7e9bb"),
            ],
            for: "183c0d5c-691e-42f3-af2b-9bffc2740f83",
            "<campaign-id>"
        )
        // The one that is shown was changed after it was made.
        try await system.api.call("PUT", "/v1.0/campaigns/\(id)", ["detail": "test campaign detail"])
    }

    /// The id that stands for one of the documents.
    func part(_ name: String) -> JSONValue { .string(replacements[name] ?? "") }

    /// The row of a list that stands for an id of the documents.
    func row(_ name: String, in list: JSONValue) throws -> JSONValue {
        try #require(list["result"].array?.first { $0["id"] == part(name) })
    }
}

/// One session for all tests: logins are few, by the limits of the platform.
private actor DocumentSession {
    static let shared = DocumentSession()
    private var tokens: [String: String] = [:]

    func token(of system: CarillonSystem) async throws -> String {
        if let token = tokens[system.dataDirectory] { return token }
        let file = try #require(FileManager.default.contents(atPath: "\(system.dataDirectory)/first-account.json"))
        let account = try JSONValue(parsing: Array(file))
        let credentials: JSONValue = ["username": account["username"], "password": account["password"]]
        let login = try await system.api.client.send(
            "POST",
            "/auth/login",
            headers: ["Content-Type": "application/json"],
            body: credentials.bytes,
            within: .seconds(30)
        )
        let token = try #require(login.json["token"].string, "\(login.json.text)")
        tokens[system.dataDirectory] = token
        return token
    }
}
