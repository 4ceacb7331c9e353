import Contracts
import Foundation
import Testing

/// The campaign API as a customer's program uses it.
struct API: Sendable {
    var client: HTTPClient
    var accessKey: String
    /// What was made and answered with success.
    let writes = Writes()

    /// Sends one request and gives whatever is answered.
    func answer(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> HTTPAnswer {
        let headers = ["Authorization": "Bearer \(accessKey)", "Content-Type": "application/json"]
        return try await client.send(method, path, headers: headers, body: body?.bytes ?? [], within: .seconds(30))
    }

    /// Sends one request; throws unless it is answered with 200.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let answer = try await answer(method, path, body)
        guard answer.status == 200 else {
            let said = String(decoding: answer.body, as: UTF8.self)
            throw Failure(description: "\(method) \(path): \(answer.status) \(said)")
        }
        if method == "POST", let id = answer.json["id"].id { writes.note(id, path) }
        return answer.json
    }

    /// The resources that were made, with the paths that made them.
    final class Writes: @unchecked Sendable {
        // Safe to share: `made` is only touched with `lock` held.
        private let lock = NSLock()
        private var made: [ID: String] = [:]

        func note(_ id: ID, _ path: String) { lock.withLock { made[id] = path } }
        var all: [ID: String] { lock.withLock { made } }
    }

    @discardableResult
    func get(_ path: String) async throws -> JSONValue { try await call("GET", path) }

    /// All rows of a list, page by page.
    func list(_ path: String, pageSize: Int = 100) async throws -> [JSONValue] {
        var rows: [JSONValue] = []
        var token = ""
        repeat {
            let query = "page_size=\(pageSize)" + (token.isEmpty ? "" : "&page_token=\(API.escape(token))")
            let page = try await get("\(path)\(path.contains("?") ? "&" : "?")\(query)")
            rows += try #require(page["result"].array)
            token = try #require(page["next_page_token"].string)
        } while !token.isEmpty
        return rows
    }

    static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = byte < 128 && (character.isLetter || character.isNumber || character == "-")
            return isPlain ? String(character) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
    }
}

// MARK: - Campaigns and their parts

/// A number whose last four digits say what the simulator does with it. `group` keeps the tests' numbers apart.
func number(_ group: Int, _ index: Int, _ magic: Int) -> String {
    func digits(_ value: Int, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - String(value).count)) + String(value)
    }
    return "+1" + digits(group, 3) + digits(index, 6) + digits(magic, 4)
}

/// A campaign with its parts.
struct CampaignSetup: Sendable {
    var id: ID
    var outdial: ID
}

extension API {
    /// Makes an outdial and imports one target for each of `rows`: its destinations in order.
    func makeOutdial(_ rows: [[String]]) async throws -> ID {
        let outdial = try #require(try await call("POST", "/v1.0/outdials", ["name": "people"])["id"].id)
        if !rows.isEmpty { try await importTargets(rows, into: outdial) }
        return outdial
    }

    func importTargets(_ rows: [[String]], into outdial: ID) async throws {
        let width = rows.map(\.count).max() ?? 1
        var text = (["name"] + (0..<width).map { "destination_\($0)" }).joined(separator: ",") + "\n"
        for (index, row) in rows.enumerated() {
            let cells = row + Array(repeating: "", count: width - row.count)
            text += "target \(index)," + cells.joined(separator: ",") + "\n"
        }
        let answer = try await client.send(
            "POST",
            "/v1.0/outdials/\(outdial)/targets/import",
            headers: ["Authorization": "Bearer \(accessKey)", "Content-Type": "text/csv"],
            body: Array(text.utf8),
            within: .seconds(60)
        )
        try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
        #expect(answer.json["imported"].integer == Int64(rows.count))
        #expect(answer.json["rejected"].integer == 0)
    }

    /// Makes a campaign over `rows`. `tries` are the most tries for destinations 0 to 4.
    func makeCampaign(
        _ rows: [[String]],
        tries: [Int],
        tryInterval: Int = 1000,
        dialTimeout: Int = 30_000,
        settings: JSONObject = [:]
    ) async throws -> CampaignSetup {
        let outdial = try await makeOutdial(rows)
        let campaign = try await makeCampaign(
            on: outdial,
            tries: tries,
            tryInterval: tryInterval,
            dialTimeout: dialTimeout,
            settings: settings
        )
        return CampaignSetup(id: campaign, outdial: outdial)
    }

    func makeCampaign(
        on outdial: ID,
        tries: [Int],
        tryInterval: Int = 1000,
        dialTimeout: Int = 30_000,
        settings: JSONObject = [:]
    ) async throws -> ID {
        var plan: JSONObject = [
            "name": "plan", "try_interval": .integer(tryInterval), "dial_timeout": .integer(dialTimeout),
        ]
        for (index, count) in tries.enumerated() { plan.append("max_try_count_\(index)", .integer(count)) }
        let outplan = try await call("POST", "/v1.0/outplans", .object(plan))
        var body: JSONObject = ["name": "campaign", "outdial_id": .id(outdial), "outplan_id": outplan["id"]]
        for member in settings.members { body.append(member.name, member.value) }
        return try #require(try await call("POST", "/v1.0/campaigns", .object(body))["id"].id)
    }

    func campaign(_ id: ID) async throws -> JSONValue { try await get("/v1.0/campaigns/\(id)") }

    @discardableResult
    func setStatus(_ id: ID, _ status: String) async throws -> JSONValue {
        try await call("PUT", "/v1.0/campaigns/\(id)/status", ["status": .string(status)])
    }

    /// Waits until the campaign has stopped by itself, and checks that it says so.
    func awaitExhaustion(_ id: ID, within limit: Duration) async throws {
        do {
            try await eventually("campaign \(id) ends", within: limit) {
                try await campaign(id)["status"].string == "stop"
            }
        } catch {
            throw Failure(description: "\(error); it is \((try? await campaign(id))?.text ?? "not answered")")
        }
        #expect(try await campaign(id)["end_reason"].string == "exhausted")
    }
}
