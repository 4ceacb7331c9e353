import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import OutdialDomain
import OutdialManager
import Service
import TestSupport

/// The customer: what they have made, and names for their requests.
final class Client {
    let customer = id(3)
    private var ids: IDGenerator
    var outdials: [ID] = []
    var outplans: [ID] = []
    var campaigns: [ID] = []
    /// Targets by outdial, those that were not deleted.
    var targets: [ID: [ID]] = [:]
    /// As the gateway names who asks.
    var admin = "test"
    var agents: [ID] = []
    var doNotCall = ID.none
    var queues: [ID] = []
    /// What agents and queues have in common, or not.
    var tags: [ID] = []

    init(ids: IDGenerator) { self.ids = ids }

    func next(_ now: Timestamp) -> ID { ids.next(at: now) }
}

/// What the customer does.
extension World {
    @discardableResult
    func atCampaigns(_ method: String, _ params: JSONValue) throws -> Reply {
        let reply = Locked<Reply?>(nil)
        var request = request(method, client.customer, client.next(now), params)
        request.actor = client.admin
        try tell([.request(request, answer: { reply.value = $0 })])
        return reply.value ?? .refused(.unavailable("no answer"))
    }

    @discardableResult
    func atOutdials(_ method: String, _ params: JSONValue) throws -> Reply {
        try outdials.request(request(method, client.customer, client.next(now), params), at: now)
    }

    /// Lists, plans and campaigns, some of which share a list, and some of which follow each other.
    func furnish() throws {
        try makeAccount()
        client.doNotCall = client.next(now)
        _ = try atOutdials("dnclist.create", ["id": .id(client.doNotCall), "body": ["name": "wishes"]]).get()
        try makeQueues()
        for _ in 0..<(1 + draw(profile.campaigns)) {
            let id = client.next(now)
            client.outdials.append(id)
            _ = try atOutdials("outdial.create", ["id": .id(id), "body": [:]]).get()
        }
        for _ in 0..<profile.targets { try addTarget() }
        for _ in 0..<2 {
            let id = client.next(now)
            client.outplans.append(id)
            _ = try atCampaigns("outplan.create", ["id": .id(id), "body": plan()]).get()
        }
        for index in 0..<profile.campaigns {
            let id = client.next(now)
            var body: JSONObject = [
                "outdial_id": .id(client.outdials[draw(client.outdials.count)]),
                "outplan_id": .id(client.outplans[draw(2)]), "max_concurrent": .integer(draw(3) * 2),
                "calls_per_second": .integer(draw(2) * 3), "name": .string("campaign \(index)"),
            ]
            if draw(3) == 0 { body["stop_drain_timeout"] = .integer(draw(3) * 4_000) }
            switch draw(6) {
            case 0: body["route"] = "acme"
            case 1:
                body["type"] = draw(2) == 0 ? "flow" : "message"
                body["actions"] = .array(sendings())
            default:
                body["actions"] = .array(actions())
                guard draw(3) > 0 else { break }
                body["queue_id"] = .id(client.queues[draw(client.queues.count)])
                body["service_level"] = .integer([0, 50, 100, 200][draw(4)])
            }
            if index > 0, draw(2) == 0 { body["next_campaign_id"] = .id(client.campaigns[draw(index)]) }
            _ = try atCampaigns("campaign.create", ["id": .id(id), "body": .object(body)]).get()
            client.campaigns.append(id)
        }
        // A circle, now and then.
        if profile.campaigns > 1, draw(2) == 0, let last = client.campaigns.last {
            let body: JSONValue = ["next_campaign_id": .id(last)]
            _ = try atCampaigns("campaign.next_campaign_id", ["id": .id(client.campaigns[0]), "body": body]).get()
        }
        for campaign in client.campaigns where draw(4) > 0 { try start(campaign) }
    }

    private func makeAccount() throws {
        let admin = client.next(now)
        let account: JSONValue = [
            "customer_id": .id(client.customer), "agent_id": .id(admin), "accesskey_id": .id(client.next(now)),
            "username": "admin", "permission": 33, "password_hash": "h", "token_hash": "h", "token_prefix": "vb_",
            "body": ["name": "world"],
        ]
        _ = try atCampaigns("account.create", account).get()
        client.admin = "agent:\(admin)"
    }

    /// Queues and the agents who serve one or several of them, some of them away. Everybody serves the first.
    private func makeQueues() throws {
        client.tags = [client.next(now), client.next(now)]
        for index in 0..<(2 + draw(2)) {
            let queue = client.next(now)
            client.queues.append(queue)
            var settings = queueSettings()
            if index > 0 { settings["tag_ids"] = [.id(client.tags[index - 1])] }
            _ = try atCampaigns("queue.create", ["id": .id(queue), "body": .object(settings)]).get()
        }
        for index in 0..<(1 + draw(4)) {
            let id = client.next(now)
            let body: JSONValue = [
                "username": .string("agent \(index)"), "status": draw(2) == 0 ? "available" : "away",
                "addresses": [.string("+1777\(1_000_000 + index)")], "tag_ids": someTags(),
            ]
            _ = try atCampaigns("agent.create", ["id": .id(id), "body": body, "password_hash": "h"]).get()
            client.agents.append(id)
        }
    }

    private func someTags() -> JSONValue { .array(client.tags.filter { _ in draw(2) == 0 }.map { .id($0) }) }

    func setTags(ofAgent index: Int, _ tags: JSONValue) throws {
        try atCampaigns("agent.tag_ids", ["id": .id(client.agents[index]), "body": ["tag_ids": tags]])
    }

    func setStatus(ofAgent index: Int, _ status: String) throws {
        try atCampaigns("agent.status", ["id": .id(client.agents[index]), "body": ["status": .string(status)]])
    }

    private func clock(_ minute: Int) -> String { "00:\(minute < 10 ? "0" : "")\(minute)" }

    /// Now and then with windows of some minutes; everybody lives in UTC, where the world begins at midnight.
    private func plan() -> JSONValue {
        var windows: JSONValue = []
        if draw(2) == 0 {
            var minute = 0
            var some: [JSONValue] = []
            while minute < 50 {
                let (from, to) = (minute + draw(2), minute + 3 + draw(4))
                some.append(
                    ["weekdays": [0, 1, 2, 3, 4, 5, 6], "from": .string(clock(from)), "to": .string(clock(to))]
                )
                minute = to + 1 + draw(2)
            }
            windows = .array(some)
        }
        return [
            "calling_windows": windows,
            "max_try_count_0": .integer(1 + draw(3)), "max_try_count_1": .integer(draw(2)),
            "try_interval": .integer([1_000, 20_000, 60_000][draw(3)]), "dial_timeout": .integer(10_000),
        ]
    }

    func addTarget() throws {
        let outdial = client.outdials[draw(client.outdials.count)]
        let id = client.next(now)
        // Few numbers, so that several lists have the same.
        var body: JSONObject = [
            "destination_0": ["target": .string(number())], "priority": .integer(draw(10)), "time_zone": "Etc/UTC",
        ]
        if draw(3) == 0 { body["destination_1"] = ["target": .string(number())] }
        let params: JSONValue = ["outdial_id": .id(outdial), "id": .id(id), "body": .object(body)]
        if case .result = try atOutdials("target.create", params) { client.targets[outdial, default: []].append(id) }
    }

    func number() -> String { "+1555\(1_000_000 + draw(profile.targets))" }

    /// A number is put on the do-not-call list, or taken off it.
    private func changeDoNotCall() throws {
        let number = draw(4) == 0 ? legNumber() : number()
        if carrier.forbidden.contains(number) {
            let params: JSONValue = ["id": .id(client.doNotCall), "number": .string(number)]
            if case .result = try atOutdials("dnclist.remove", params) { carrier.forbidden.remove(number) }
        } else {
            let params: JSONValue = ["id": .id(client.doNotCall), "body": ["numbers": [.string(number)]]]
            if case .result = try atOutdials("dnclist.add", params) { carrier.forbidden.insert(number) }
        }
    }

    /// One thing that a customer does while calls are under way.
    func wish() throws {
        let campaign = client.campaigns[draw(client.campaigns.count)]
        let named: JSONValue = ["id": .id(campaign)]
        switch draw(17) {
        case 0, 1, 2: try start(campaign)
        case 3: try atCampaigns("campaign.stop", named)
        case 4: try setPaused(campaign, draw(2) == 0)
        case 5: try addTarget()
        case 6:
            let outplan = client.outplans[draw(client.outplans.count)]
            try atCampaigns("outplan.dial_info", ["id": .id(outplan), "body": plan()])
        case 7:
            try atCampaigns("system.dialing", ["body": ["enabled": .bool(draw(3) > 0)]])
        case 8: try changeTarget()
        case 9: try hangUpSomething()
        case 10: try changeDoNotCall()
        case 11: try setStatus(ofAgent: draw(client.agents.count), ["available", "away", "busy", "offline"][draw(4)])
        case 12:
            let queue = client.queues[draw(client.queues.count)]
            try atCampaigns("queue.update", ["id": .id(queue), "body": .object(queueSettings())])
        case 13: try kickSomebody()
        case 14:
            let body: JSONValue = ["min_interval_per_number": .integer(draw(3) * 30_000)]
            try atCampaigns("customer.update", ["id": .id(client.customer), "body": body])
        case 15: try setTags(ofAgent: draw(client.agents.count), someTags())
        default:
            let body: JSONValue = ["stop_drain_timeout": .integer(draw(4) * 2_000)]
            try atCampaigns("campaign.update", ["id": .id(campaign), "body": body])
        }
    }

    func setPaused(_ campaign: ID, _ isPaused: Bool) throws {
        try atCampaigns("campaign.pause", ["id": .id(campaign), "body": ["paused": .bool(isPaused)]])
    }

    private func changeTarget() throws {
        let outdial = client.outdials[draw(client.outdials.count)]
        guard let targets = client.targets[outdial], !targets.isEmpty else { return }
        let target = targets[draw(targets.count)]
        let params: JSONValue = ["outdial_id": .id(outdial), "id": .id(target), "body": [:]]
        if draw(2) == 0 {
            try atOutdials("target.delete", params)
            client.targets[outdial]?.removeAll { $0 == target }
        } else {
            try atOutdials("target.rearm_one", params)
        }
    }

    private func hangUpSomething() throws {
        guard let call = carrier.live.values.sorted(by: { $0.command.call < $1.command.call }).first else { return }
        try atCampaigns("call.hangup", ["id": .id(call.command.call)])
    }
}
