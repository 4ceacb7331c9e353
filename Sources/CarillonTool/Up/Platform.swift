import AMQP
import Contracts
import Foundation
import Service

/// Everything on one machine: a private broker if none is given, the daemons, the first account.
///
/// ``stop(isHastened:)`` may be called at any moment, also while ``start()`` is under way and has been cancelled; after
/// it no process is left.
actor Platform {
    private let settings: PlatformSettings
    private let report: @Sendable (String) -> Void
    private let directory: DataDirectory
    private var nameServer: SupervisedProcess?
    private var broker: SupervisedProcess?
    private var gateway: SupervisedProcess?
    private var managers: [SupervisedProcess] = []
    private var workers: [SupervisedProcess] = []
    private var isStopping = false
    private let gatewayAddress = GatewayAddress()
    /// The broker's addresses of the daemons and engines by user; empty with a broker of somebody else's.
    private var ownURLs: [String: String] = [:]

    /// Takes the data directory. `report` is told, in one line each, what takes long and what died.
    init(_ settings: PlatformSettings, report: @escaping @Sendable (String) -> Void) throws {
        self.settings = settings
        self.report = report
        directory = try DataDirectory(path: settings.dataDirectory)
    }

    /// The log files of the daemons, by name.
    nonisolated var logFiles: [(name: String, path: String)] {
        let names =
            ["api-gateway", "campaign-manager", "outdial-manager"] + (1...settings.workers).map(Platform.worker)
        return names.map { ($0, directory.log($0)) }
    }

    // MARK: - Starting

    /// Starts everything and answers when all of it is ready; throws one line when something ends instead.
    func start() async throws -> PlatformReport {
        let isFresh = settings.amqpURL == nil && BrokerFiles.isFresh(directory.brokerDirectory)
        // The daemons are looked for first: a broker is not started in vain.
        for name in ["api-gateway", "campaign-manager", "outdial-manager", "dialer-worker"] {
            _ = try Executable.beside(name)
        }
        let amqpURL: String
        if let given = settings.amqpURL {
            try await ExternalBroker.check(given)
            amqpURL = given
        } else {
            amqpURL = try await startBroker()
        }
        try await startDaemons(amqpURL: amqpURL)
        let readyAt = ContinuousClock.now
        let (account, isNew) = try await makeAccount(amqpURL: amqpURL)
        // A broker that dies within a second of a queue's first declaration would lose what the queue holds.
        if isFresh { try await Task.sleep(until: readyAt + .seconds(3), clock: .continuous) }
        let all = [gateway, broker, nameServer].compactMap { $0 } + managers + workers
        for process in all { await process.startupIsOver() }
        return PlatformReport(
            url: account.url,
            account: account,
            amqpURL: amqpURL,
            dataDirectory: directory.path,
            brokerPID: await broker?.pid,
            gatewayPID: await gateway?.pid ?? 0,
            campaignManagerPID: await managers[0].pid ?? 0,
            outdialManagerPID: await managers[1].pid ?? 0,
            workerPIDs: await pids(workers),
            isNewAccount: isNew
        )
    }

    private func pids(_ processes: [SupervisedProcess]) async -> [Int32] {
        var pids: [Int32] = []
        for process in processes { pids.append(await process.pid ?? 0) }
        return pids
    }

    private func startBroker() async throws -> String {
        guard access(BrokerFiles.program, X_OK) == 0, access(BrokerFiles.nameServer, X_OK) == 0 else {
            throw ToolError.failed(
                "RabbitMQ is not installed: run deploy/install-dependencies, or give the --amqp-url of a broker that runs"
            )
        }
        let root = directory.brokerDirectory
        let engines = try engineUsers()
        let users = BrokerUser.daemons(prefix: settings.prefix) + engines
        var brokerSettings = try BrokerFiles.settings(in: root)
        brokerSettings.makePasswords(of: users)
        let files = BrokerFiles(directory: root, settings: brokerSettings, users: users)
        try files.write()
        for user in users { ownURLs[user.name] = brokerSettings.url(of: user.name) }
        try writeAddresses(of: engines)
        let environment = files.environment(base: settings.environment)
        let port = files.settings.port
        let log = directory.log("rabbitmq")
        let nameServerPort = files.settings.epmdPort
        nameServer = try await run("epmd", notifies: false) {
            ProcessSpec(
                program: BrokerFiles.nameServer,
                arguments: ["-address", "127.0.0.1", "-port", "\(nameServerPort)"],
                environment: environment,
                log: log,
                deathSignal: SIGKILL
            )
        }
        try await nameServer?.waitUntilReady(
            limit: .seconds(10),
            isUp: { FreePort.accepts(host: "127.0.0.1", port: nameServerPort) },
            stillWaiting: report
        )
        broker = try await run("rabbitmq", notifies: false) {
            ProcessSpec(program: BrokerFiles.program, environment: environment, log: log, deathSignal: SIGKILL)
        }
        try await broker?.waitUntilReady(
            limit: .seconds(120),
            isUp: { FreePort.brokerAnswers(port: port) },
            stillWaiting: report
        )
        return files.settings.url
    }

    /// The users of other people's dialing engines that the environment names.
    private func engineUsers() throws -> [BrokerUser] {
        let setting = Setting("CARILLON_ENGINE_ROUTES", flag: nil, in: settings.environment)
        let users = BrokerUser.engines(try BrokerUsersCommand.routes(setting), prefix: settings.prefix)
        if let taken = users.first(where: { BrokerUser.daemons.contains($0.name) || $0.name == "carillon" }) {
            throw ToolError.configuration("\(setting.name): \(taken.name) is a user of Carillon itself; choose another")
        }
        return users
    }

    /// What their engines need to connect, readable by this user alone.
    private func writeAddresses(of engines: [BrokerUser]) throws {
        guard !engines.isEmpty else { return }
        let directory = directory.path + "/engines"
        try PrivateFile.makeDirectory(directory)
        for engine in engines {
            try PrivateFile.write((ownURLs[engine.name] ?? "") + "\n", to: "\(directory)/\(engine.name).url")
        }
    }

    private func startDaemons(amqpURL: String) async throws {
        managers = [
            try await daemon("campaign-manager", amqpURL: amqpURL),
            try await daemon("outdial-manager", amqpURL: amqpURL),
        ]
        for number in 1...settings.workers {
            workers.append(try await daemon(Platform.worker(number), amqpURL: amqpURL, worker: number))
        }
        let portFile = directory.runDirectory + "/api-gateway.port"
        unlink(portFile)
        gateway = try await daemon("api-gateway", amqpURL: amqpURL, portFile: portFile)
        for process in managers + workers {
            try await process.waitUntilReady(limit: .seconds(120), stillWaiting: report)
        }
        let address = gatewayAddress
        try await gateway?.waitUntilReady(
            limit: .seconds(30),
            isUp: { address.read(portFile) },
            stillWaiting: report
        )
    }

    private func daemon(
        _ name: String,
        amqpURL: String,
        worker: Int? = nil,
        portFile: String? = nil
    ) async throws -> SupervisedProcess {
        let program = try Executable.beside(worker == nil ? name : "dialer-worker")
        let log = directory.log(name)
        let environment = daemonEnvironment(
            amqpURL: ownURLs[worker == nil ? name : BrokerUser.worker] ?? amqpURL,
            worker: worker
        )
        let address = gatewayAddress
        let http = settings.http
        return try await run(name, notifies: true) { [runDirectory = directory.runDirectory] in
            var environment = environment
            environment["NOTIFY_SOCKET"] = NotifySocket.path(directory: runDirectory, name: name)
            var arguments: [String] = []
            if let portFile {
                // A restarted gateway takes the port that was free at the first start.
                environment["CARILLON_HTTP_LISTEN"] = address.value ?? http
                arguments = ["--http-port-file", portFile]
            }
            return ProcessSpec(
                program: program,
                arguments: arguments,
                environment: environment,
                log: log,
                deathSignal: SIGKILL
            )
        }
    }

    /// As whom workers report: on a broker of somebody else's, as the one user that all daemons share.
    private func workerUser(_ amqpURL: String) -> String? {
        guard ownURLs.isEmpty else { return BrokerUser.worker }
        return try? AMQPConfiguration(url: amqpURL, connectionName: "carillon-up").user
    }

    private func daemonEnvironment(amqpURL: String, worker: Int?) -> [String: String] {
        var environment = settings.environment
        // Of each its own, or none: one address for all would be in use for the second.
        environment["CARILLON_METRICS_LISTEN"] = nil
        environment["CARILLON_AMQP_URL"] = amqpURL
        environment["CARILLON_AMQP_PREFIX"] = settings.prefix
        environment["CARILLON_DATA_DIR"] = directory.path
        environment["CARILLON_DIE_WITH_PARENT"] = "1"
        if environment["CARILLON_WORKER_USERS"] == nil {
            environment["CARILLON_WORKER_USERS"] = workerUser(amqpURL)
        }
        guard let worker else { return environment }
        environment["CARILLON_WORKER_ID"] = String(worker)
        environment["CARILLON_SIMULATOR_SCENARIO"] = settings.scenario
        environment["CARILLON_SIMULATOR_LEDGER"] = settings.ledger
        return environment
    }

    private func run(
        _ name: String,
        notifies: Bool,
        _ makeSpec: @escaping @Sendable () throws -> ProcessSpec
    ) async throws -> SupervisedProcess {
        try Task.checkCancellation()
        if isStopping { throw CancellationError() }
        let process = SupervisedProcess(
            name: name,
            runDirectory: directory.runDirectory,
            notifySocket: notifies ? try NotifySocket(directory: directory.runDirectory, name: name) : nil,
            report: report,
            makeSpec: makeSpec
        )
        started.append(process)
        try await process.start()
        return process
    }

    /// Everything that was ever started, known here before it runs, so that a stop in between finds it.
    private var started: [SupervisedProcess] = []

    private func makeAccount(amqpURL: String) async throws -> (FirstAccount, isNew: Bool) {
        let known = try FirstAccount.load(directory.path)
        var account = known ?? .makeNew()
        account.url = "http://" + (gatewayAddress.value ?? settings.http)
        if account != known { try account.save(directory.path) }
        try await Bootstrap.make(account, settings, amqpURL: amqpURL, limit: .seconds(30))
        let client = Gateway(url: account.url, accessKey: account.accessKey)
        try await gateway?.waitUntilReady(
            limit: .seconds(60),
            isUp: { await client.isReady() },
            stillWaiting: report
        )
        return (account, known == nil)
    }

    static func worker(_ number: Int) -> String { "dialer-worker.\(number)" }

    // MARK: - Stopping

    /// Stops gateway, workers, managers, broker and name server in this order, within 30 seconds: campaign-manager hears
    /// the workers say that they leave, and gives them nothing at its next start before they are there again.
    func stop(isHastened: @escaping @Sendable () -> Bool) async {
        isStopping = true
        let begin = ContinuousClock.now
        let signal = isHastened() ? SIGKILL : SIGTERM
        func group(_ matches: (String) -> Bool) -> [SupervisedProcess] { started.filter { matches($0.name) } }
        let daemons = group { $0 != "epmd" && $0 != "rabbitmq" }
        // Each group has a head start of a few seconds before the next is asked; all of them have 12 s.
        let order = [
            group { $0 == "api-gateway" }, group { $0.hasPrefix("dialer-worker") }, group { $0.hasSuffix("-manager") },
        ]
        for members in order {
            for process in members { await process.requestStop(signal) }
            let headStart = ContinuousClock.now + .seconds(2)
            while await isAnyRunning(members), ContinuousClock.now < headStart, !isHastened() {
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        for process in daemons { await process.finishStop(deadline: begin + .seconds(14), isHastened: isHastened) }
        for process in group({ $0 == "rabbitmq" }) {
            await process.requestStop(signal)
            await process.finishStop(deadline: ContinuousClock.now + .seconds(12), isHastened: isHastened)
        }
        for process in group({ $0 == "epmd" }) {
            await process.requestStop(SIGKILL)
            await process.finishStop(deadline: ContinuousClock.now + .seconds(1), isHastened: isHastened)
        }
        if settings.amqpURL == nil { BrokerProcesses.killAll(directory: directory.brokerDirectory) }
    }

    private func isAnyRunning(_ processes: [SupervisedProcess]) async -> Bool {
        for process in processes where await process.pid != nil { return true }
        return false
    }
}
