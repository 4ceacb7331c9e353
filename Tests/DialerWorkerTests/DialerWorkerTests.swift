// DialerWorkerTests
