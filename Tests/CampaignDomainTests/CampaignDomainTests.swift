// CampaignDomainTests
