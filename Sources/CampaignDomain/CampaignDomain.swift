// CampaignDomain
