import CampaignManager
import Service

await Daemon.main(name: "campaign-manager", CampaignManagerOptions.self) { options, context in
    try await buildCampaignManager(options, context)
}
