import CampaignDomain
package import Contracts
package import EventLog
import GRDB
import Metrics
import ServiceLifecycle

/// What the campaigns that are not stopped have come to, for Prometheus: gauges with the campaign's id, as its `progress`
/// shows them. A gauge is absent while there is nothing to divide by, and goes when the campaign stops.
package struct CampaignMetrics: ServiceLifecycle.Service {
    private static let interval = Duration.seconds(5)
    private let log: LogReader

    package init(log: LogReader) { self.log = log }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var shown: [ID: [String: Meter]] = [:]
            while !Task.isCancelled {
                // A read that fails now is done again in a moment; what is shown stays.
                if let figures = try? CampaignMetrics.figures(in: log) { CampaignMetrics.show(figures, &shown) }
                try? await Task.sleep(for: CampaignMetrics.interval)
            }
        }
    }

    /// The figures of each campaign that is not stopped, by the gauge's name; rates from 0 to 1, times in seconds.
    package static func figures(in log: LogReader) throws -> [ID: [String: Double]] {
        try log.read { db in
            let campaigns = try CampaignTables.campaigns.fetch(
                "INDEXED BY campaign_active WHERE status <> 'stop'",
                in: db
            )
            var figures: [ID: [String: Double]] = [:]
            for campaign in campaigns {
                let counts = try CallCounts(campaign: campaign.id, in: db)
                let service = try CampaignService(campaign: campaign.id, in: db)
                figures[campaign.id] = [
                    "carillon_campaign_answer_rate": counts.answerRate.double,
                    "carillon_campaign_abandon_rate": service.abandonRate.double,
                    "carillon_campaign_agent_wait_seconds": service.meanAgentWait.double.map { $0 / 1000 },
                    "carillon_campaign_agent_use": service.agentUse.double,
                ].compactMapValues(\.self)
            }
            return figures
        }
    }

    private static func show(_ figures: [ID: [String: Double]], _ shown: inout [ID: [String: Meter]]) {
        for (campaign, meters) in shown where figures[campaign] == nil {
            for meter in meters.values { meter.destroy() }
            shown[campaign] = nil
        }
        for (campaign, values) in figures {
            for (name, value) in values {
                let meter =
                    shown[campaign]?[name] ?? Meter(label: name, dimensions: [("campaign_id", campaign.description)])
                shown[campaign, default: [:]][name] = meter
                meter.set(value)
            }
        }
    }
}
