import Contracts
package import HTTPTypes

/// Every path of the public API.
///
/// Names in braces are ids: each becomes a param of that name in the request to the manager.
package struct RouteTable: Sendable {
    package let routes: [Route]
    /// The only ones that a path of so many segments can mean.
    private let routesBySegmentCount: [Int: [Route]]

    init(routes: [Route]) {
        self.routes = routes
        routesBySegmentCount = Dictionary(grouping: routes, by: \.path.segmentCount)
    }

    package static let campaignAPI = RouteTable(routes: [
        Route(.get, "/ping", .ping, .everyone),
        Route(.get, "/healthz", .health, .everyone),
        Route(.get, "/readyz", .readiness, .everyone),
        Route(.post, "/auth/login", .login, .everyone),

        Route(.get, "/openapi.yaml", .openAPI, .everyone),
        Route(.get, "/asyncapi.yaml", .asyncAPI, .everyone),
        Route(.get, "/docs", .docs, .everyone),

        Route(.get, "/v1.0/campaigns/{id}/events", .campaignEvents, .manager),
        Route(.get, "/v1.0/campaigns/{id}/results.csv", .campaignResults, .manager),

        Route(.get, "/v1.0/me", .campaign, "identity.me", .ids, .authenticated),
        Route(.get, "/v1.0/accesskeys", .campaign, "accesskey.list", .page, .admin),
        Route(.post, "/v1.0/accesskeys", .campaign, "accesskey.create", .accessKeyCreation, .admin),
        Route(.get, "/v1.0/accesskeys/{id}", .campaign, "accesskey.get", .ids, .admin),
        Route(.put, "/v1.0/accesskeys/{id}", .campaign, "accesskey.update", .body, .admin),
        Route(.delete, "/v1.0/accesskeys/{id}", .campaign, "accesskey.delete", .ids, .admin),
        Route(.get, "/v1.0/customer", .campaign, "customer.get", .ownCustomer, .manager),
        Route(.get, "/v1.0/customers", .campaign, "customer.list", .page, .superAdmin),
        Route(.post, "/v1.0/customers", .campaign, "customer.create", .customerCreation, .superAdmin),
        Route(.get, "/v1.0/customers/{id}", .campaign, "customer.get", .ids, .superAdmin),
        Route(.put, "/v1.0/customer", .campaign, "customer.update", .body, .manager),
        Route(.post, "/v1.0/customer/webhook_secret", .campaign, "customer.webhook_secret", .ownCustomer, .manager),
        Route(.put, "/v1.0/customer/dialing", .campaign, "customer.dialing", .body, .manager),
        Route(.get, "/v1.0/system/dialing", .campaign, "system.get", .ids, .superAdmin),
        Route(.put, "/v1.0/system/dialing", .campaign, "system.dialing", .body, .superAdmin),

        Route(.get, "/v1.0/agents", .campaign, "agent.list", .list(["name", "status", "tag_ids"]), .manager),
        Route(.post, "/v1.0/agents", .campaign, "agent.create", .creation, .manager),
        Route(.get, "/v1.0/agents/{id}", .campaign, "agent.get", .ids, .agentOrManager),
        Route(.put, "/v1.0/agents/{id}", .campaign, "agent.update", .body, .agentOrManager),
        Route(.delete, "/v1.0/agents/{id}", .campaign, "agent.delete", .ids, .manager),
        Route(.put, "/v1.0/agents/{id}/addresses", .campaign, "agent.addresses", .body, .agentOrManager),
        Route(.put, "/v1.0/agents/{id}/tag_ids", .campaign, "agent.tag_ids", .body, .manager),
        Route(.put, "/v1.0/agents/{id}/permission", .campaign, "agent.permission", .body, .manager),
        Route(.put, "/v1.0/agents/{id}/status", .campaign, "agent.status", .body, .agentOrManager),
        Route(.put, "/v1.0/agents/{id}/password", .campaign, "agent.password", .body, .agentOrManager),

        Route(.get, "/v1.0/queues", .campaign, "queue.list", .list(["name"]), .manager),
        Route(.post, "/v1.0/queues", .campaign, "queue.create", .creation, .manager),
        Route(.get, "/v1.0/queues/{id}", .campaign, "queue.get", .ids, .manager),
        Route(.put, "/v1.0/queues/{id}", .campaign, "queue.update", .body, .manager),
        Route(.delete, "/v1.0/queues/{id}", .campaign, "queue.delete", .ids, .manager),
        Route(.put, "/v1.0/queues/{id}/tag_ids", .campaign, "queue.tag_ids", .body, .manager),
        Route(.put, "/v1.0/queues/{id}/routing_method", .campaign, "queue.routing_method", .body, .manager),
        Route(.post, "/v1.0/queues/{id}/direct-hash-regenerate", .campaign, "queue.direct_hash", .ids, .manager),
        Route(.get, "/v1.0/queues/{id}/agents", .campaign, "queue.agents", .list(["status"]), .manager),

        Route(.get, "/v1.0/queuecalls", .campaign, "queuecall.list", .list(queuecallFilters), .manager),
        Route(.get, "/v1.0/queuecalls/{id}", .campaign, "queuecall.get", .ids, .manager),
        Route(.post, "/v1.0/queuecalls/{id}/kick", .campaign, "queuecall.kick", .ids, .manager),

        Route(.get, "/v1.0/flows", .campaign, "flow.list", .list(["name"]), .manager),
        Route(.post, "/v1.0/flows", .campaign, "flow.create", .creation, .manager),
        Route(.get, "/v1.0/flows/{id}", .campaign, "flow.get", .ids, .manager),
        Route(.put, "/v1.0/flows/{id}", .campaign, "flow.update", .body, .manager),
        Route(.delete, "/v1.0/flows/{id}", .campaign, "flow.delete", .ids, .manager),

        Route(.get, "/v1.0/activeflows", .campaign, "activeflow.list", .list(["campaign_id", "status"]), .manager),
        Route(.get, "/v1.0/activeflows/{id}", .campaign, "activeflow.get", .ids, .manager),
        Route(.post, "/v1.0/activeflows/{id}/stop", .campaign, "activeflow.stop", .ids, .manager),

        Route(.get, "/v1.0/calls", .campaign, "call.list", .page, .manager),
        Route(.get, "/v1.0/calls/{id}", .campaign, "call.get", .ids, .manager),
        Route(.post, "/v1.0/calls/{id}/hangup", .campaign, "call.hangup", .ids, .manager),

        Route(.get, "/v1.0/outdials", .outdial, "outdial.list", .list(["name", "campaign_id"]), .manager),
        Route(.post, "/v1.0/outdials", .outdial, "outdial.create", .creation, .manager),
        Route(.get, "/v1.0/outdials/{id}", .outdial, "outdial.get", .ids, .manager),
        Route(.put, "/v1.0/outdials/{id}", .outdial, "outdial.update", .body, .manager),
        Route(.delete, "/v1.0/outdials/{id}", .outdial, "outdial.delete", .ids, .manager),
        Route(.put, "/v1.0/outdials/{id}/campaign_id", .outdial, "outdial.campaign_id", .body, .manager),
        Route(.put, "/v1.0/outdials/{id}/data", .outdial, "outdial.data", .body, .manager),
        Route(.get, "/v1.0/outdials/{outdial_id}/targets", .outdial, "target.list", .list(targetFilters), .manager),
        Route(.post, "/v1.0/outdials/{outdial_id}/targets", .outdial, "target.create", .creation, .manager),
        Route(.post, "/v1.0/outdials/{outdial_id}/targets/import", .importTargets, .manager),
        Route(.post, "/v1.0/outdials/{outdial_id}/targets/rearm", .outdial, "target.rearm", .body, .manager),
        Route(.get, "/v1.0/outdials/{outdial_id}/targets/{id}", .outdial, "target.get", .ids, .manager),
        Route(.put, "/v1.0/outdials/{outdial_id}/targets/{id}", .outdial, "target.update", .body, .manager),
        Route(.post, "/v1.0/outdials/{outdial_id}/targets/{id}/rearm", .outdial, "target.rearm_one", .body, .manager),
        Route(.delete, "/v1.0/outdials/{outdial_id}/targets/{id}", .outdial, "target.delete", .ids, .manager),

        Route(.get, "/v1.0/dnclists", .outdial, "dnclist.list", .list(["name", "global"]), .manager),
        Route(.post, "/v1.0/dnclists", .outdial, "dnclist.create", .creation, .manager),
        Route(.get, "/v1.0/dnclists/check", .outdial, "dnclist.check", .list(["number"]), .manager),
        Route(.get, "/v1.0/dnclists/{id}", .outdial, "dnclist.get", .ids, .manager),
        Route(.put, "/v1.0/dnclists/{id}", .outdial, "dnclist.update", .body, .manager),
        Route(.delete, "/v1.0/dnclists/{id}", .outdial, "dnclist.delete", .ids, .manager),
        Route(.get, "/v1.0/dnclists/{id}/numbers", .outdial, "dnclist.numbers", .page, .manager),
        Route(.post, "/v1.0/dnclists/{id}/numbers", .outdial, "dnclist.add", .body, .manager),
        Route(.post, "/v1.0/dnclists/{id}/numbers/import", .importNumbers, .manager),
        Route(.delete, "/v1.0/dnclists/{id}/numbers/{number}", .outdial, "dnclist.remove", .ids, .manager),

        Route(.get, "/v1.0/outplans", .campaign, "outplan.list", .list(["name"]), .manager),
        Route(.post, "/v1.0/outplans", .campaign, "outplan.create", .creation, .manager),
        Route(.get, "/v1.0/outplans/{id}", .campaign, "outplan.get", .ids, .manager),
        Route(.put, "/v1.0/outplans/{id}", .campaign, "outplan.update", .body, .manager),
        Route(.delete, "/v1.0/outplans/{id}", .campaign, "outplan.delete", .ids, .manager),
        Route(.put, "/v1.0/outplans/{id}/dial_info", .campaign, "outplan.dial_info", .body, .manager),

        Route(.get, "/v1.0/campaigns", .campaign, "campaign.list", .list(["status", "name"]), .manager),
        Route(.post, "/v1.0/campaigns", .campaign, "campaign.create", .creation, .manager),
        Route(.get, "/v1.0/campaigns/{id}", .campaign, "campaign.get", .ids, .manager),
        Route(.put, "/v1.0/campaigns/{id}", .campaign, "campaign.update", .body, .manager),
        Route(.delete, "/v1.0/campaigns/{id}", .campaign, "campaign.delete", .ids, .manager),
        Route(.put, "/v1.0/campaigns/{id}/status", .campaign, "campaign.status", .body, .manager),
        Route(
            .post,
            "/v1.0/campaigns/{campaign_id}/test_call",
            .campaign,
            "campaign.test_call",
            .creation,
            .manager
        ),
        Route(.put, "/v1.0/campaigns/{id}/pause", .campaign, "campaign.pause", .body, .manager),
        Route(.put, "/v1.0/campaigns/{id}/service_level", .campaign, "campaign.service_level", .body, .manager),
        Route(.put, "/v1.0/campaigns/{id}/actions", .campaign, "campaign.actions", .body, .manager),
        Route(.put, "/v1.0/campaigns/{id}/resource_info", .campaign, "campaign.resource_info", .body, .manager),
        Route(.put, "/v1.0/campaigns/{id}/next_campaign_id", .campaign, "campaign.next_campaign_id", .body, .manager),
        Route(
            .get,
            "/v1.0/campaigns/{campaign_id}/campaigncalls",
            .campaign,
            "campaigncall.list",
            .callList(callFilters),
            .manager
        ),
        Route(.post, "/v1.0/campaigns/{id}/rehearsal", .campaign, "campaign.rehearse", .body, .manager),

        Route(.get, "/v1.0/campaigncalls", .campaign, "campaigncall.list", .callList(callFilters), .manager),
        Route(.get, "/v1.0/campaigncalls/{id}", .campaign, "campaigncall.get", .ids, .manager),
        Route(.delete, "/v1.0/campaigncalls/{id}", .campaign, "campaigncall.delete", .ids, .manager),
    ])

    private static let targetFilters = ["status", "result", "result_reason", "hangup_reason", "name", "from", "to"]
    private static let queuecallFilters = ["queue_id", "campaign_id", "status", "from", "to"]
    private static let callFilters = [
        "campaign_id", "outdial_id", "status", "result", "hangup_reason", "from", "to",
    ]

    /// What a path and a method lead to.
    package enum Match: Sendable {
        case route(Route, parameters: [(name: String, value: Substring)])
        /// The path is known, with these methods only.
        case otherMethods([HTTPRequest.Method])
        case unknownPath
    }

    /// Finds the route; `HEAD` is answered by the route of `GET`.
    package func match(_ method: HTTPRequest.Method, path: some StringProtocol) -> Match {
        let wanted = method == .head ? .get : method
        let segments = PathPattern.segments(of: path)
        // A literal segment beats a parameter, whatever the method: `targets/import` is no target's id.
        let fitting = (routesBySegmentCount[segments.count] ?? []).filter { $0.path.parameters(in: segments) != nil }
        let fewest = fitting.map(\.path.parameterCount).min()
        let candidates = fitting.filter { $0.path.parameterCount == fewest }
        if let route = candidates.first(where: { $0.method == wanted }) {
            return .route(route, parameters: route.path.parameters(in: segments) ?? [])
        }
        let methods = candidates.map(\.method)
        guard !methods.isEmpty else { return .unknownPath }
        return .otherMethods(methods.contains(.get) ? methods + [.head] : methods)
    }
}
