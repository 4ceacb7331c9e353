// OutdialDomain
