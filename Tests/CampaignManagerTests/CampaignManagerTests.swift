// CampaignManagerTests
