// OutdialManagerTests
