// OutdialManager
