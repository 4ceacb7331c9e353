// CampaignManager
