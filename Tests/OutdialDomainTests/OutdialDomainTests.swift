// OutdialDomainTests
