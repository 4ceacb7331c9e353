import CampaignDomain
package import Service

/// What other programs are told of campaign-manager's log: a line for each kind of object.
package let campaignManagerEvents: [PublishedCategory] = [
    PublishedCategory(
        Campaign.self,
        renamed: [
            "campaign_started": "campaign_status_run", "campaign_stopping": "campaign_status_stopping",
            "campaign_stopped": "campaign_status_stop",
        ],
        keptInside: [
            "campaign_lease_returned", "campaign_claim_dropped", "campaign_plan_changed", "campaign_next_due",
        ],
        customer: { $0.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(
        Campaigncall.self,
        // Told when it is assigned, dialed, answered and over; the rest of its life is on the exchange of calls.
        keptInside: [
            "campaigncall_ringing", "campaigncall_digits", "campaigncall_late_result_ignored", "campaigncall_settling",
            "campaigncall_claim_confirmed", "campaigncall_result_repeated", "campaigncall_hangup_requested",
            "campaigncall_report_missing",
            "campaigncall_queue_joined", "campaigncall_queue_refused",
        ],
        isFrequent: true,
        // A test call is told on the exchange of calls only.
        isTold: { !$0.assignment.isTest },
        customer: { $0.assignment.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(Outplan.self, customer: { $0.customer }, resource: { $0.resource }),
    PublishedCategory(
        Customer.self,
        keptInside: ["customer_webhook_secret_made"],
        customer: { $0.id },
        resource: { $0.resource }
    ),
    PublishedCategory(AccessKey.self, customer: { $0.customer }, resource: { $0.resource }),
    PublishedCategory(
        Agent.self,
        renamed: [
            "agent_status_updated": "agent_status_updated", "agent_rung": "agent_status_updated",
            "agent_connected": "agent_status_updated", "agent_released": "agent_status_updated",
            "agent_wrapped_up": "agent_status_updated",
        ],
        customer: { $0.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(Queue.self, customer: { $0.customer }, resource: { $0.resource }),
    PublishedCategory(
        Queuecall.self,
        renamed: [
            "queuecall_waiting": "queuecall_waiting", "queuecall_connecting": "queuecall_connecting",
            "queuecall_serviced": "queuecall_serviced", "queuecall_done": "queuecall_done",
            "queuecall_abandoned": "queuecall_abandoned",
        ],
        keptInside: ["queuecall_leg_ended", "queuecall_leg_refused"],
        customer: { $0.new.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(
        Activeflow.self,
        keptInside: ["activeflow_stop_requested"],
        isFrequent: true,
        customer: { $0.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(Flow.self, customer: { $0.customer }, resource: { $0.json }),
]
