package import CampaignDomain
import Contracts
package import EventLog
import GRDB
import Service

/// What campaign-manager keeps beside its events.
package enum CampaignTables {
    package static let customers = AggregateTable<Customer>(
        columns: [.createdAt { $0.createdAt }, .isDeleted { _ in nil }]
    )

    package static let agents = AggregateTable<Agent>(
        columns: [
            .customer { $0.customer },
            // The name of a deleted agent is free again; an index takes any number of nulls.
            .init("username", .text) { $0.deletedAt == nil ? $0.username.databaseValue : .null },
            .init("can_be_rung", .integer) { $0.canBeRung.databaseValue },
            .createdAt { $0.createdAt }, .isDeleted { $0.deletedAt },
        ],
        indexes: [
            "CREATE UNIQUE INDEX agent_username ON agent(username)",
            "CREATE INDEX agent_list ON agent(customer_id, created_at)",
            "CREATE INDEX agent_available ON agent(customer_id) WHERE can_be_rung = 1",
        ],
        form: 2
    )

    package static let queues = AggregateTable<Queue>(
        columns: [.customer { $0.customer }, .createdAt { $0.createdAt }, .isDeleted { $0.deletedAt }],
        indexes: ["CREATE INDEX queue_list ON queue(customer_id, created_at)"]
    )

    package static let queuecalls = AggregateTable<Queuecall>(
        columns: [
            .customer { $0.new.customer }, .init("queue_id", .blob) { $0.new.queue.databaseValue },
            .init("campaign_id", .blob) { $0.new.campaign.databaseValue },
            .init("status", .text) { $0.status.rawValue.databaseValue },
            // Milliseconds.
            .init("waiting", .integer) { $0.waitingTime.count.databaseValue },
            .init("agent_idle", .integer) { $0.agentIdle.count.databaseValue },
            .init("ringing", .integer) { $0.ringing.count.databaseValue },
            .init("talking", .integer) { $0.serviceTime.count.databaseValue },
            .init("wrap_up", .integer) { $0.wrapUp.count.databaseValue },
            .createdAt { $0.new.createdAt }, .isDeleted { _ in nil },
        ],
        indexes: [
            "CREATE INDEX queuecall_list ON queuecall(customer_id, created_at)",
            "CREATE INDEX queuecall_queue ON queuecall(queue_id, created_at)",
            "CREATE INDEX queuecall_campaign ON queuecall(campaign_id, created_at)",
            """
            CREATE INDEX queuecall_open ON queuecall(queue_id, status, created_at)
                WHERE status IN ('waiting', 'connecting', 'service')
            """,
        ]
    )

    package static let flows = AggregateTable<Flow>(
        columns: [.customer { $0.customer }, .createdAt { $0.createdAt }, .isDeleted { $0.deletedAt }],
        indexes: ["CREATE INDEX flow_list ON flow(customer_id, created_at)"]
    )

    /// One row at most.
    package static let system = AggregateTable<System>()

    package static let accessKeys = AggregateTable<AccessKey>(
        columns: [
            .customer { $0.customer }, .init("token_hash", .text) { $0.tokenHash.databaseValue },
            .createdAt { $0.createdAt }, .isDeleted { $0.deletedAt },
        ],
        indexes: [
            "CREATE UNIQUE INDEX accesskey_token ON accesskey(token_hash)",
            "CREATE INDEX accesskey_list ON accesskey(customer_id, created_at)",
        ]
    )

    package static let outplans = AggregateTable<Outplan>(
        columns: [.customer { $0.customer }, .createdAt { $0.createdAt }, .isDeleted { $0.deletedAt }],
        indexes: ["CREATE INDEX outplan_list ON outplan(customer_id, created_at)"]
    )

    package static let campaigns = AggregateTable<Campaign>(
        columns: [
            .customer { $0.customer }, .init("status", .text) { $0.status.rawValue.databaseValue },
            .init("outplan_id", .blob) { $0.settings.outplan.databaseValue },
            .init("next_due", .integer) { ($0.nextDue != nil).databaseValue }, .createdAt { $0.createdAt },
            .isDeleted { $0.deletedAt },
        ],
        indexes: [
            "CREATE INDEX campaign_next_due ON campaign(next_due) WHERE next_due = 1",
            "CREATE INDEX campaign_list ON campaign(customer_id, created_at)",
            "CREATE INDEX campaign_active ON campaign(status) WHERE status <> 'stop'",
        ]
    )

    package static let calls = AggregateTable<Campaigncall>(
        columns: [
            .customer { $0.assignment.customer },
            // No campaign counts or lists its test calls.
            .init("campaign_id", .blob) {
                ($0.assignment.isTest ? ID.none : $0.assignment.campaign).databaseValue
            },
            .init("journal", .blob) { $0.assignment.journal.databaseValue },
            // What is no call is not found as one.
            .init("call_id", .blob) {
                ($0.assignment.kind == .call ? $0.assignment.call : ID.none).databaseValue
            },
            .init("bucket", .text) { $0.bucket.rawValue.databaseValue },
            .init("outdial_id", .blob) { $0.assignment.outdial.databaseValue },
            .init("target_id", .blob) { $0.assignment.target.databaseValue },
            .init("hangup_reason", .text) { $0.hangupReason.databaseValue },
            .init("result", .text) { $0.result.databaseValue },
            .init("needed_queue_id", .blob) { $0.neededQueue?.databaseValue ?? .null },
            .init("was_answered", .integer) { ($0.answeredAt != nil).databaseValue },
            .createdAt { $0.createdAt },
            .isDeleted { $0.deletedAt },
        ],
        indexes: [
            "CREATE INDEX campaigncall_list ON campaigncall(customer_id, created_at)",
            "CREATE INDEX campaigncall_campaign ON campaigncall(campaign_id, created_at)",
            "CREATE INDEX campaigncall_call ON campaigncall(call_id)",
            "CREATE INDEX campaigncall_target ON campaigncall(target_id)",
            "CREATE INDEX campaigncall_open ON campaigncall(journal) WHERE bucket IN ('dialing', 'answered')",
        ]
    )

    package static let activeflows = AggregateTable<Activeflow>(
        columns: [
            .customer { $0.customer }, .init("campaign_id", .blob) { $0.campaign.databaseValue },
            .init("status", .text) { $0.status.rawValue.databaseValue }, .createdAt { $0.createdAt },
            .isDeleted { _ in nil },
        ],
        indexes: [
            "CREATE INDEX activeflow_list ON activeflow(customer_id, created_at)",
            "CREATE INDEX activeflow_campaign ON activeflow(campaign_id, created_at)",
        ],
        form: 2
    )

    package static let workers = AggregateTable<Worker>(
        columns: [.init("status", .text) { $0.status.rawValue.databaseValue }]
    )

    /// The statements that create all tables.
    package static let schema =
        customers.schema + agents.schema + accessKeys.schema + outplans.schema + campaigns.schema + calls.schema
        + workers.schema + CallCounts.schema + queuecalls.schema + QueueCounts.schema + queues.schema + flows.schema
        + system.schema + AnsweredRequests.schema + activeflows.schema
        + [
            // The highest position of each journal that was ever reported: a restored copy shows by a lower one.
            "CREATE TABLE journal_seen(journal BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID"
        ]
}

extension AggregateTable.Column {
    fileprivate static func customer(_ value: @escaping @Sendable (A) -> ID) -> Self {
        .init("customer_id", .blob) { value($0).databaseValue }
    }

    fileprivate static func createdAt(_ value: @escaping @Sendable (A) -> Timestamp) -> Self {
        .init("created_at", .integer) { value($0).databaseValue }
    }

    fileprivate static func isDeleted(_ value: @escaping @Sendable (A) -> Timestamp?) -> Self {
        .init("is_deleted", .integer) { (value($0) != nil).databaseValue }
    }
}

/// What `log verify` recomputes of campaign-manager's log.
package let campaignManagerProjections: [any VerifiedProjection] = [
    CampaignTables.customers, CampaignTables.agents, CampaignTables.accessKeys, CampaignTables.outplans,
    CampaignTables.campaigns, CampaignTables.calls, CampaignTables.workers, callCountCheck,
    CampaignTables.queues, CampaignTables.queuecalls, queueCountCheck, CampaignTables.flows, CampaignTables.system,
    CampaignTables.activeflows,
]
