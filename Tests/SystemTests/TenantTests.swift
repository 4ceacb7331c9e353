import APIGateway
import Contracts
import Foundation
import HTTPTypes
import Testing

extension SystemTests {
    /// Two customers on one installation: neither learns what the other has, nor that it has it.
    ///
    /// The cases are the routes of the gateway, so that a new one is covered, or named as one that is not.
    @Suite struct TenantTests {
        @Test func nothingOfAnotherCustomerIsSeenOrTouched() async throws {
            let system = try await SharedSystem.current.system()
            let mine = try await Tenant(system, name: "mine")
            let theirs = try await Tenant(system, name: "theirs")
            for route in RouteTable.campaignAPI.routes where route.isOfCustomers {
                let names = route.parameterNames
                if names.isEmpty {
                    try await expectListsHoldOnlyOwn(route, mine, theirs)
                } else {
                    try await expectPathIsUnknown(route, names, mine, theirs)
                }
            }
            try await expectTheirsIsUntouched(theirs)
        }

        /// Their ids in a path are answered like ids that nobody has.
        private func expectPathIsUnknown(
            _ route: Route,
            _ names: [String],
            _ mine: Tenant,
            _ theirs: Tenant
        ) async throws {
            let path = route.path.description
            guard let their = theirs.ids(for: path), let own = mine.ids(for: path) else {
                Issue.record("no test knows how to make the object of \(route.method) \(path): add it to Tenant.ids")
                return
            }
            #expect(their.count == names.count, "\(path)")
            let nobody = names.map { _ in ID.random }
            // All theirs; and theirs below one of ours.
            var cases = [(their, nobody)]
            if names.count == 2 { cases.append(([own[0], their[1]], [own[0], nobody[1]])) }
            for (ids, unknown) in cases {
                let answer = try await mine.send(route, path: filled(path, ids))
                let reference = try await mine.send(route, path: filled(path, unknown))
                #expect(answer.status == 404, "\(route.method) \(path): \(answer.json.text)")
                #expect(reference.status == 404, "\(route.method) \(path): \(reference.json.text)")
                expectSame(answer, ids, reference, unknown, "\(route.method) \(path)")
            }
        }

        /// Two answers that differ in nothing but ids that the client sent itself.
        private func expectSame(_ left: HTTPAnswer, _ ids: [ID], _ right: HTTPAnswer, _ others: [ID], _ what: String) {
            func neutral(_ answer: HTTPAnswer, _ ids: [ID]) -> String {
                var text = answer.json.text
                for id in ids { text = text.replacingOccurrences(of: id.description, with: "ID") }
                return text.replacingOccurrences(
                    of: answer.headers["x-request-id"] ?? "none",
                    with: "REQUEST"
                )
            }
            #expect(neutral(left, ids) == neutral(right, others), "\(what)")
            #expect(Set(left.headers.keys) == Set(right.headers.keys), "\(what)")
        }

        private func expectListsHoldOnlyOwn(_ route: Route, _ mine: Tenant, _ theirs: Tenant) async throws {
            guard route.method == .get else { return }
            let path = route.path.description
            // It needs a number, and answers for the customer's own lists: DoNotCallTests.
            if path.hasSuffix("/check") { return }
            for query in ["", "?deleted=true"] {
                let answer = try await mine.send(route, path: path + query)
                #expect(answer.status == 200 || answer.status == 403, "\(path): \(answer.json.text)")
                for id in theirs.all { #expect(!answer.json.text.contains(id.description), "\(path) shows \(id)") }
            }
            // Filters that name their objects find nothing.
            guard try await mine.send(route, path: path).json["result"].array != nil else { return }
            for (name, id) in [("campaign_id", theirs.campaign), ("outdial_id", theirs.outdial)] {
                let answer = try await mine.send(route, path: "\(path)?\(name)=\(id)")
                let reference = try await mine.send(route, path: "\(path)?\(name)=\(ID.random)")
                #expect(answer.status == reference.status, "\(path)?\(name)")
                for id in theirs.all { #expect(!answer.json.text.contains(id.description), "\(path)?\(name)") }
            }
        }

        /// Bodies that name their objects are answered like bodies that name objects of nobody.
        @Test func bodiesThatNameAnotherCustomersObjectsAreLikeThoseThatNameNone() async throws {
            let system = try await SharedSystem.current.system()
            let mine = try await Tenant(system, name: "mine")
            let theirs = try await Tenant(system, name: "theirs")
            let campaign = "/v1.0/campaigns/\(mine.campaign)"
            var cases: [(String, String, String, ID)] = [
                ("PUT", "/v1.0/outdials/\(mine.outdial)/campaign_id", "campaign_id", theirs.campaign)
            ]
            for (field, id) in [
                ("outdial_id", theirs.outdial), ("outplan_id", theirs.outplan), ("next_campaign_id", theirs.campaign),
                ("queue_id", try #require(theirs.other("/v1.0/queues"))),
            ] {
                cases.append(("POST", "/v1.0/campaigns", field, id))
                cases.append(("PUT", "\(campaign)/resource_info", field, id))
            }
            cases.append(("PUT", "\(campaign)/next_campaign_id", "next_campaign_id", theirs.campaign))
            let flow = try #require(theirs.other("/v1.0/flows"))
            cases.append(("POST", "/v1.0/campaigns", "flow_id", flow))
            cases.append(("PUT", campaign, "flow_id", flow))
            cases.append(("POST", "/v1.0/queues", "wait_flow_id", flow))
            cases.append(("POST", "/v1.0/flows", "on_complete_flow_id", flow))
            for (method, path, field, id) in cases {
                let unknown = ID.random
                let answer = try await mine.api.answer(method, path, .object([field: .id(id)]))
                let reference = try await mine.api.answer(method, path, .object([field: .id(unknown)]))
                #expect(answer.status == reference.status, "\(method) \(path) \(field)")
                #expect(answer.status == 400 || answer.status == 404 || answer.status == 200, "\(answer.json.text)")
                // What is not checked at all is stored as it is, for an id of nobody as for one of theirs.
                if answer.status != 200 { expectSame(answer, [id], reference, [unknown], "\(method) \(path) \(field)") }
            }
            try await expectTheirsIsUntouched(theirs)
        }

        private func expectTheirsIsUntouched(_ theirs: Tenant) async throws {
            let campaign = try await theirs.api.get("/v1.0/campaigns/\(theirs.campaign)")
            #expect(campaign["name"] == "theirs" && campaign["status"] == "stop")
            let outdial = try await theirs.api.get("/v1.0/outdials/\(theirs.outdial)")
            #expect(outdial["name"] == "theirs" && outdial["tm_update"] == theirs.outdialBefore["tm_update"])
            #expect(try await theirs.api.list("/v1.0/outdials/\(theirs.outdial)/targets").count == 1)
        }

        private func filled(_ path: String, _ ids: [ID]) -> String {
            var rest = ids[...]
            return "/"
                + path.split(separator: "/").map { segment in
                    segment.hasPrefix("{") ? rest.popFirst()?.description ?? "" : String(segment)
                }.joined(separator: "/")
        }
    }
}

/// A customer with one object of every kind.
private struct Tenant {
    let api: API
    let campaign: ID
    let outdial: ID
    let outplan: ID
    let target: ID
    let accessKey: ID
    /// By the first words of a path: made when the installation knows that path.
    private var others: [String: ID] = [:]
    private let campaigncall: ID
    let outdialBefore: JSONValue

    init(_ system: CarillonSystem, name: String) async throws {
        let customer = try await system.api.call(
            "POST",
            "/v1.0/customers",
            [
                "name": .string(name), "username": .string("\(name)-\(UInt32.random(in: 0 ... .max))"),
                "password": "a long password",
            ]
        )
        let token = try #require(customer["accesskey"]["token"].string)
        accessKey = try #require(customer["accesskey"]["id"].id)
        let api = API(client: system.api.client, accessKey: token)
        self.api = api
        for (path, body) in Tenant.makers {
            let answer = try await api.answer("POST", path, body(name))
            if answer.status == 200, let id = answer.json["id"].id { others[path] = id }
        }
        // A campaign that has called, so that there is a campaigncall, a run of its actions and a wait in a queue, where
        // nobody answers; and another that has not.
        let queue = try #require(others["/v1.0/queues"])
        let called = try await api.makeCampaign(
            [[number(901, 1, 1)]],
            tries: [1],
            settings: ["actions": [["type": "queue_join", "option": ["queue_id": .id(queue)]]]]
        )
        try await api.setStatus(called.id, "run")
        try await api.awaitExhaustion(called.id, within: .seconds(60))
        let calls = try await api.list("/v1.0/campaigns/\(called.id)/campaigncalls")
        campaigncall = try #require(calls.first?["id"].id)
        for path in ["/v1.0/queuecalls", "/v1.0/activeflows"] {
            others[path] = try #require(try await api.list(path).first?["id"].id, "\(path) is empty")
        }
        let setup = try await api.makeCampaign([[number(901, 2, 1)]], tries: [1], settings: ["end_handle": "stop"])
        campaign = setup.id
        outdial = setup.outdial
        let made = try await api.get("/v1.0/campaigns/\(campaign)")
        outplan = try #require(made["outplan_id"].id)
        try await api.call("PUT", "/v1.0/campaigns/\(campaign)", ["name": .string(name)])
        outdialBefore = try await api.call("PUT", "/v1.0/outdials/\(outdial)", ["name": .string(name)])
        target = try #require(try await api.list("/v1.0/outdials/\(outdial)/targets").first?["id"].id)
        others["/v1.0/calls"] = calls.first?["reference_id"].id
        others["/v1.0/customers"] = customer["customer"]["id"].id ?? customer["id"].id
    }

    /// Objects that are made by one POST of their own path.
    private static let makers: [(path: String, body: @Sendable (String) -> JSONValue)] = [
        ("/v1.0/queues", { ["name": .string($0)] }),
        ("/v1.0/flows", { ["name": .string($0)] }),
        ("/v1.0/dnclists", { ["name": .string($0)] }),
        (
            "/v1.0/agents",
            {
                [
                    "name": .string($0), "username": .string("\($0)-agent-\(UInt32.random(in: 0 ... .max))"),
                    "password": "a long password",
                ]
            }
        ),
    ]

    /// The object that was made by a POST of `path`.
    func other(_ path: String) -> ID? { others[path] }

    var all: [ID] { [campaign, outdial, outplan, target, accessKey, campaigncall] + others.values }

    /// The ids that a path of the table of routes takes; nil for a path that is not known here.
    func ids(for path: String) -> [ID]? {
        let known: [(prefix: String, ids: [ID])] = [
            ("/v1.0/outdials/{outdial_id}/targets/{", [outdial, target]), ("/v1.0/outdials/", [outdial]),
            ("/v1.0/outplans/", [outplan]), ("/v1.0/campaigns/", [campaign]), ("/v1.0/campaigncalls/", [campaigncall]),
            ("/v1.0/accesskeys/", [accessKey]),
            // No number is a UUID: on whatever list, it is not there.
            ("/v1.0/dnclists/{id}/numbers/{", [other("/v1.0/dnclists") ?? .none, .random]),
        ]
        if let (_, ids) = known.first(where: { path.hasPrefix($0.prefix) }) { return ids }
        return others.first { path.hasPrefix($0.key + "/") }.map { [$0.value] }
    }

    /// Sends a request of a route with a body that would be right for an object of one's own.
    func send(_ route: Route, path: String) async throws -> HTTPAnswer {
        var headers = ["Authorization": "Bearer \(api.accessKey)", "Content-Type": "application/json"]
        var body = Array(Tenant.body(of: route.path.description).text.utf8)
        if route.path.description.hasSuffix("/import") {
            headers["Content-Type"] = "text/csv"
            body = Array("destination_0\n+15550100001\n".utf8)
        }
        if route.method == .get { body = [] }
        return try await api.client.send(
            route.method.rawValue,
            path,
            headers: headers,
            body: body,
            within: .seconds(30)
        )
    }

    private static func body(of path: String) -> JSONValue {
        let name = path.split(separator: "/").last ?? ""
        let values: JSONObject = [
            "name": "stolen", "service_level": 50, "status": name == "status" ? "run" : .null, "actions": [],
            "campaign_id": .id(.none), "data": "stolen", "permission": 32, "tag_ids": [], "addresses": [],
            "result": "fail",
            "routing_method": "random", "password": "another long password", "try_interval": 60_000,
            "destination_0": ["type": "tel", "target": "+15550100001"],
        ]
        var body = JSONObject()
        for member in values.members where !member.value.isNull { body.append(member.name, member.value) }
        return .object(body)
    }
}

extension Route {
    /// Whether it leads to what belongs to a customer, for those who are no operators of the installation.
    fileprivate var isOfCustomers: Bool {
        path.description.hasPrefix("/v1.0/") && access != .everyone && access != .superAdmin
    }

    fileprivate var parameterNames: [String] {
        path.description.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}

extension ID {
    /// An id that nobody has.
    fileprivate static var random: ID {
        ID(high: .random(in: 0 ... .max) & ~0xF000 | 0x7000, low: .random(in: 0 ... .max) >> 2 | 1 << 63)
    }
}
