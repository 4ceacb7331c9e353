/// Everything that has `list`, `get`, `create`, `set` or `delete`.
enum ResourceTable {
    static let all = [
        OutdialKind.resource, TargetKind.resource, OutplanKind.resource, CampaignKind.resource,
        CampaigncallKind.resource, AgentKind.resource, QueueKind.resource, QueuecallKind.resource, FlowKind.resource,
        AccessKeyKind.resource, CustomerKind.resource, DNCKind.resource,
    ]

    static func contains(_ name: String) -> Bool { all.contains { $0.name == name } }
}

extension Resource.Column {
    fileprivate static let id = whole("id")
    fileprivate static let created = whole("tm_create")
    fileprivate static func text(_ name: String, _ title: String? = nil) -> Self {
        .init(name: name, title: title ?? name)
    }
    fileprivate static func number(_ name: String, _ title: String? = nil) -> Self {
        .init(name: name, title: title ?? name, isNumber: true, isWhole: true)
    }
    fileprivate static func whole(_ name: String) -> Self { .init(name: name, title: name, isWhole: true) }
}

extension Resource.Field {
    fileprivate static let name = Resource.Field(name: "name", help: "A name for people.")
    fileprivate static let detail = Resource.Field(name: "detail", help: "A description for people.")
    fileprivate static let data = Resource.Field(name: "data", help: "Free data of yours.")
    fileprivate static let source = Resource.Field(name: "source", help: "The calling number.")
    fileprivate static let actions = Resource.Field(
        name: "actions",
        kind: .json,
        help: "What an answered person hears, as JSON."
    )

    fileprivate static func text(_ name: String, _ help: String) -> Self { .init(name: name, help: help) }
    fileprivate static func number(_ name: String, _ help: String) -> Self {
        .init(name: name, kind: .json, help: help)
    }
    fileprivate static func list(_ name: String, _ help: String) -> Self {
        .init(name: name, kind: .list, help: help)
    }
}

enum OutdialKind: ResourceKind {
    static let resource = Resource(
        name: "outdial",
        abstract: "Lists of people to reach.",
        path: "/v1.0/outdials",
        columns: [.id, .text("name"), .text("detail"), .whole("campaign_id"), .created],
        fields: [.name, .detail, .data, .text("campaign_id", "A label; it starts nothing.")],
        filters: ["name", "campaign_id"],
        examples: [
            .list: "outdial list --name spring", .get: "outdial get ID", .create: "outdial create --name spring",
            .set: "outdial set ID --detail \"second wave\"", .delete: "outdial delete ID",
        ]
    )
}

enum TargetKind: ResourceKind {
    static let resource = Resource(
        name: "target",
        abstract: "The people of an outdial.",
        path: "/v1.0/outdials/{}/targets",
        parent: "outdial",
        columns: [
            .id, .text("name"), .whole("status"), .whole("result"), .whole("result_reason"),
            .text("destination_0.target", "destination_0"), .number("try_count_0", "tries"), .number("priority"),
        ],
        fields: [
            .name, .detail, .data, .number("priority", "0 to 9, lower is dialed first."),
            .text("time_zone", "Where the person lives, such as Europe/Berlin."),
        ] + (0..<5).map { .text("destination_\($0)", "A number, a SIP URI or a mail address.") },
        filters: ["status", "result", "result_reason", "name", "from", "to"],
        examples: [
            .list: "target list --outdial ID --status done --result fail", .get: "target get ID --outdial ID",
            .create: "target create --outdial ID --name Ann --destination-0 +15559876543",
            .set: "target set ID --outdial ID --priority 1", .delete: "target delete ID --outdial ID",
        ]
    )
}

enum OutplanKind: ResourceKind {
    static let resource = Resource(
        name: "outplan",
        abstract: "Dialing strategies.",
        path: "/v1.0/outplans",
        columns: [
            .id, .text("name"), .number("dial_timeout"), .number("try_interval"), .number("max_try_count_0"),
            .text("source.target", "source"), .created,
        ],
        fields: [
            .name, .detail, .source, .number("dial_timeout", "For how many milliseconds it rings."),
            .number("try_interval", "The milliseconds between two tries."),
            .number("calling_windows", "When people may be called in their own time, as JSON."),
            .list("holidays", "Dates on which nobody is called, with commas between them."),
        ] + (0..<5).map { .number("max_try_count_\($0)", "The most tries for destination_\($0).") },
        filters: ["name"],
        examples: [
            .list: "outplan list", .get: "outplan get ID",
            .create: "outplan create --name twice --dial-timeout 30000 --max-try-count-0 2",
            .set: "outplan set ID --try-interval 60000", .delete: "outplan delete ID",
        ]
    )
}

enum CampaignKind: ResourceKind {
    static let resource = Resource(
        name: "campaign",
        abstract: "Starts, stops, watches and keeps campaigns.",
        path: "/v1.0/campaigns",
        columns: [
            .id, .text("name"), .whole("status"), .whole("end_reason"), .number("progress.targets", "targets"),
            .number("progress.done", "done"), .number("progress.success", "success"),
            .number("progress.calls", "calls"), .created,
        ],
        fields: [
            .name, .detail, .text("type", "call, flow, message or email."), .text("outdial_id", "Whom to dial."),
            .text("outplan_id", "How to dial."), .text("queue_id", "Where answered people wait."),
            .text("flow_id", "A flow, run when actions is empty."), .text("next_campaign_id", "What follows."), .source,
            .actions, .number("service_level", "Percent."), .text("end_handle", "stop or continue."),
            .number("max_concurrent", "The most calls at once; 0 is no limit."),
            .number("calls_per_second", "The most new calls in a second; 0 is no limit."),
            .number("stop_drain_timeout", "For how many milliseconds answered calls go on after a stop."),
        ],
        elsewhere: ["status": "carillon campaign run|stop ID"],
        filters: ["status", "name"],
        examples: [
            .list: "campaign list --status run", .get: "campaign get ID --json",
            .create: "campaign create --name spring --outdial-id ID --outplan-id ID",
            .set: "campaign set ID --max-concurrent 20 end_handle=continue", .delete: "campaign delete ID",
        ]
    )
}

enum CampaigncallKind: ResourceKind {
    static let resource = Resource(
        name: "campaigncall",
        abstract: "The attempts of campaigns.",
        verbs: [.list, .get, .delete],
        path: "/v1.0/campaigncalls",
        columns: [
            .id, .whole("status"), .whole("result"), .whole("hangup_reason"),
            .text("destination.target", "destination"),
            .number("destination_index", "index"), .number("try_count", "try"), .created,
        ],
        filters: [
            "campaign_id", "outdial_id", "status", "result", "hangup_reason", "from", "to", "not_dialed",
        ],
        examples: [
            .list: "campaigncall list --campaign-id ID --hangup-reason busy", .get: "campaigncall get ID",
            .delete: "campaigncall delete ID",
        ]
    )
}

enum AgentKind: ResourceKind {
    static let resource = Resource(
        name: "agent",
        abstract: "People who log in and take calls.",
        path: "/v1.0/agents",
        columns: [
            .id, .text("username"), .text("name"), .whole("status"), .number("permission"), .whole("ring_method"),
        ],
        fields: [
            .text("username", "The name to log in with."), .text("password", "At least 8 characters."), .name,
            .detail, .text("ring_method", "ringall or linear."),
            .number("permission", "A sum of 16 agent, 32 admin, 64 manager."),
            .list("tag_ids", "Tags that tie to queues, with commas between them."),
            .list("addresses", "Numbers, with commas between them."),
        ],
        elsewhere: ["status": "carillon agent status ID available"],
        filters: ["name", "status", "tag_ids"],
        examples: [
            .list: "agent list --status available", .get: "agent get ID",
            .create: "agent create --username ann --password \"…\" --name Ann", .set: "agent set ID --name Ann",
            .delete: "agent delete ID",
        ]
    )
}

enum QueueKind: ResourceKind {
    static let resource = Resource(
        name: "queue",
        abstract: "Where answered people wait for an agent.",
        path: "/v1.0/queues",
        columns: [.id, .text("name"), .text("detail"), .whole("routing_method"), .created],
        fields: [
            .name, .detail, .text("routing_method", "longest_idle, random, ringall or round_robin."),
            .list("tag_ids", "Tags of its agents, with commas between them."),
            .text("wait_flow_id", "A flow for those who wait."),
            .number("wait_timeout", "Milliseconds; 0 is no limit."),
            .number("service_timeout", "Milliseconds; 0 is no limit."),
            .number("ring_timeout", "For how many milliseconds an agent is rung."),
            .number("wrap_up_time", "For how many milliseconds an agent is busy after a talk."),
        ],
        filters: ["name"],
        examples: [
            .list: "queue list", .get: "queue get ID", .create: "queue create --name sales",
            .set: "queue set ID --routing-method random", .delete: "queue delete ID",
        ]
    )
}

enum QueuecallKind: ResourceKind {
    static let resource = Resource(
        name: "queuecall",
        abstract: "The callers who came to queues.",
        verbs: [.list, .get],
        path: "/v1.0/queuecalls",
        columns: [
            .id, .whole("status"), .whole("end_reason"), .text("destination.target", "destination"),
            .number("duration_waiting", "waiting_ms"), .number("duration_service", "service_ms"),
            .whole("service_agent_id"), .created,
        ],
        filters: ["queue_id", "campaign_id", "status", "from", "to"],
        examples: [.list: "queuecall list --queue-id ID --status waiting", .get: "queuecall get ID"]
    )
}

enum FlowKind: ResourceKind {
    static let resource = Resource(
        name: "flow",
        abstract: "Actions that are kept under a name.",
        path: "/v1.0/flows",
        columns: [.id, .text("name"), .text("detail"), .created],
        fields: [.name, .detail, .actions, .text("on_complete_flow_id", "The flow that follows.")],
        filters: ["name"],
        examples: [
            .list: "flow list", .get: "flow get ID --json",
            .create: "flow create --name hello --actions '[{\"type\":\"talk\",\"option\":{\"text\":\"Hello\"}}]'",
            .set: "flow set ID --json-body flow.json", .delete: "flow delete ID",
        ]
    )
}

enum ActiveflowKind: ResourceKind {
    static let resource = Resource(
        name: "activeflow",
        abstract: "What flows did, attempt by attempt.",
        verbs: [.list, .get],
        path: "/v1.0/activeflows",
        columns: [
            .id, .whole("status"), .text("campaigncall_id", "campaigncall"), .text("current_action.type", "now at"),
            .created,
        ],
        filters: ["campaign_id", "status"],
        examples: [
            .list: "activeflow list --campaign-id ID --status running", .get: "activeflow get ID --json",
        ]
    )
}

enum AccessKeyKind: ResourceKind {
    static let resource = Resource(
        name: "accesskey",
        abstract: "Keys for programs.",
        path: "/v1.0/accesskeys",
        columns: [.id, .text("name"), .whole("token_prefix"), .whole("tm_expire"), .created],
        fields: [.name, .detail, .number("expire", "Seconds until it ends by itself.")],
        examples: [
            .list: "accesskey list", .get: "accesskey get ID",
            .create: "accesskey create --name nightly --expire 86400",
            .set: "accesskey set ID --name weekly", .delete: "accesskey delete ID",
        ]
    )
}

enum CustomerKind: ResourceKind {
    static let resource = Resource(
        name: "customer",
        abstract: "Customers; without an id the own one.",
        verbs: [.list, .get, .create, .set],
        path: "/v1.0/customers",
        ownPath: "/v1.0/customer",
        columns: [.id, .text("name"), .text("email"), .text("phone_number"), .created],
        fields: [
            .name, .detail, .text("email", "Where to write."), .text("phone_number", "Where to call."),
            .text("address", "The postal address."), .text("webhook_method", "The method of webhooks."),
            .text("webhook_uri", "Where webhooks go."),
            .number("min_interval_per_number", "The least milliseconds between two calls to one number."),
            .text("username", "The first agent's user name (create)."),
            .text("password", "The first agent's password (create)."),
        ],
        examples: [
            .list: "customer list", .get: "customer get",
            .create: "customer create --name \"Blue Inc\" --username ann --password \"…\"",
            .set: "customer set --email ann@example.com",
        ]
    )
}
