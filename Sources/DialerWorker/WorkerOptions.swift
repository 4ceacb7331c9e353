package import ArgumentParser
package import Contracts
package import Service

/// The options of dialer-worker.
package struct WorkerOptions: DaemonOptions {
    @OptionGroup package var common: CommonOptions

    @Option(help: "What places the calls (CARILLON_PROVIDER, simulator).")
    package var provider: String?

    @Option(help: "The name of this worker among the others (CARILLON_WORKER_ID, 1).")
    package var workerID: String?

    @Option(help: "How many calls it holds at once, 1 to 100000 (CARILLON_WORKER_CHANNELS, 1000).")
    package var workerChannels: String?

    @Option(help: "The route that it serves (CARILLON_WORKER_ROUTE, default).")
    package var workerRoute: String?

    @Option(help: "Milliseconds that live calls may go on after SIGTERM (CARILLON_WORKER_DRAIN, 7000).")
    package var drainLimit: String?

    @Option(help: "The simulator's scenario file (CARILLON_SIMULATOR_SCENARIO, none: its defaults).")
    package var simulatorScenario: String?

    @Option(help: "Where the simulator writes down each call it places (CARILLON_SIMULATOR_LEDGER, nowhere).")
    package var simulatorLedger: String?

    @Option(help: "Where the simulator writes down each message and mail (CARILLON_SIMULATOR_OUTBOX, nowhere).")
    package var simulatorOutbox: String?

    package init() {}
}

/// The settings of a worker, checked.
package struct WorkerSettings: Hashable, Sendable {
    package var worker: String
    package var channels: Int
    package var route: String
    package var drainLimit: Milliseconds
    package var scenarioPath: String?
    package var ledgerPath: String?
    package var outboxPath: String?

    /// Flags first, then the environment, then defaults. Throws ``ConfigurationError``, naming the variable.
    package init(_ options: WorkerOptions, _ environment: [String: String]) throws {
        let provider = Environment.text("CARILLON_PROVIDER", flag: options.provider, in: environment) ?? "simulator"
        guard provider == "simulator" else {
            throw ConfigurationError("CARILLON_PROVIDER must be simulator, and is \"\(provider)\"")
        }
        worker = try WorkerSettings.name("CARILLON_WORKER_ID", options.workerID, environment, default: "1")
        route = try WorkerSettings.name("CARILLON_WORKER_ROUTE", options.workerRoute, environment, default: "default")
        channels = Int(
            try Environment.integer(
                "CARILLON_WORKER_CHANNELS",
                flag: options.workerChannels,
                in: environment,
                default: 1000,
                range: 1...100_000
            )
        )
        drainLimit = Milliseconds(
            try Environment.integer(
                "CARILLON_WORKER_DRAIN",
                flag: options.drainLimit,
                in: environment,
                default: 7000,
                range: 0...86_400_000
            )
        )
        scenarioPath = Environment.text(
            "CARILLON_SIMULATOR_SCENARIO",
            flag: options.simulatorScenario,
            in: environment
        )
        ledgerPath = Environment.text("CARILLON_SIMULATOR_LEDGER", flag: options.simulatorLedger, in: environment)
        outboxPath = Environment.text("CARILLON_SIMULATOR_OUTBOX", flag: options.simulatorOutbox, in: environment)
    }

    /// A text that can be part of a file name.
    private static func name(
        _ name: String,
        _ flag: String?,
        _ environment: [String: String],
        default standard: String
    ) throws -> String {
        let value = Environment.text(name, flag: flag, in: environment) ?? standard
        let isPlain = value.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
                || byte == 45
        }
        guard isPlain, value.utf8.count <= 64 else {
            throw ConfigurationError("\(name) must be 1 to 64 of A-Z, a-z, 0-9, _ and -, and is \"\(value)\"")
        }
        return value
    }
}
