import ArgumentParser
import Glibc
package import Logging
import NIOCore
import NIOPosix
package import ServiceLifecycle
import UnixSignals

/// What a daemon is built with.
package struct DaemonContext: Sendable {
    package var name: String
    package var configuration: CommonConfiguration
    package var environment: [String: String]
    package var logger: Logger
    package var readiness: Readiness
    package var version: String

    package init(
        name: String, configuration: CommonConfiguration, environment: [String: String], logger: Logger,
        readiness: Readiness, version: String = carillonVersion
    ) {
        self.name = name
        self.configuration = configuration
        self.environment = environment
        self.logger = logger
        self.readiness = readiness
        self.version = version
    }
}

/// The life of every daemon, from its arguments to its exit status.
package enum Daemon {
    package typealias Build<Options> = @Sendable (Options, DaemonContext) async throws -> [any ServiceLifecycle.Service]

    /// Parses arguments, prepares the process, builds the services and runs them until SIGTERM or SIGINT.
    ///
    /// Exit status 0 after a stop, 78 for a wrong setting, 1 for everything else; each failure is one line on standard
    /// error. `parts` are what has to be ready before the daemon calls itself ready.
    package static func main<Options: DaemonOptions>(
        name: String, _: Options.Type, parts: [String] = ["broker", "log"], build: @escaping Build<Options>
    ) async -> Never {
        prepareProcess()
        let environment = currentEnvironment()
        do {
            try await run(name, try parse(name, Options.self), environment, parts: parts, build)
            exit(0)
        } catch let error as ConfigurationError {
            fail(name, error.message, ConfigurationError.exitStatus)
        } catch {
            fail(name, "\(error)", StartupError.exitStatus)
        }
    }

    private static func run<Options: DaemonOptions>(
        _ name: String, _ options: Options, _ environment: [String: String], parts: [String], _ build: Build<Options>
    ) async throws {
        let configuration = try CommonConfiguration(options: options.common, environment: environment)
        try dieWithParent(environment)
        try makeDataDirectory(configuration.dataDirectory)
        LoggingSystem.bootstrap { _ in
            LineLogHandler(daemon: name, format: configuration.logFormat, level: configuration.logLevel)
        }
        let logger = Logger(label: name)
        let notifier = SystemdNotifier(environment: environment)
        let readiness = Readiness(parts: parts) {
            logger.info("ready", metadata: ["version": .string(carillonVersion)])
            notifier.notify("READY=1\nSTATUS=ready")
        }
        let context = DaemonContext(
            name: name, configuration: configuration, environment: environment, logger: logger, readiness: readiness
        )
        var services = try await build(options, context)
        if let address = configuration.metricsListen { services.insert(HealthServer(address, readiness), at: 0) }
        if let watchdog = Watchdog(notifier, environment) { services.append(watchdog) }
        services.append(StopNotice(notifier: notifier, readiness: readiness, logger: logger))
        var group = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet
        )
        group.maximumGracefulShutdownDuration = .seconds(9)
        group.maximumCancellationDuration = .seconds(1)
        try await ServiceGroup(configuration: group).run()
    }

    /// The group's own messages are not for operators.
    private static var quiet: Logger {
        Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
    }

    // MARK: - The process

    private static func prepareProcess() {
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        // The daemons share a machine; one loop moves more bytes than any of them needs.
        NIOSingletons.groupLoopCountSuggestion = 1
    }

    package static func currentEnvironment() -> [String: String] {
        var environment: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { environment[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return environment
    }

    private static func parse<Options: DaemonOptions>(_ name: String, _: Options.Type) throws(ConfigurationError) -> Options {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--version") {
            print("\(name) \(carillonVersion)")
            exit(0)
        }
        if arguments.contains("--help") || arguments.contains("-h") {
            print(Options.helpMessage().replacing("<command>", with: name).replacing("USAGE: \(Options.self)", with: "USAGE: \(name)"))
            exit(0)
        }
        do {
            return try Options.parse(arguments)
        } catch {
            let text = Options.message(for: error).split(separator: "\n").first.map(String.init) ?? "\(error)"
            throw ConfigurationError("\(text); see \(name) --help")
        }
    }

    private static func fail(_ name: String, _ message: String, _ status: Int32) -> Never {
        let line = message.split(separator: "\n").joined(separator: " ")
        LineLogHandler.toStandardError(Array("\(name): \(line)\n".utf8))
        exit(status)
    }

    /// Started by `carillon up`: no daemon outlives it, even when it is killed.
    private static func dieWithParent(_ environment: [String: String]) throws {
        guard environment["CARILLON_DIE_WITH_PARENT"] == "1" else { return }
        typealias ProcessControl = @convention(c) (CInt, UInt, UInt, UInt, UInt) -> CInt
        // prctl takes variable arguments, which Swift does not import; all five are integers in registers.
        guard let symbol = dlsym(nil, "prctl") else { throw StartupError("prctl is missing from the C library") }
        let setParentDeathSignal: CInt = 1
        _ = unsafeBitCast(symbol, to: ProcessControl.self)(setParentDeathSignal, UInt(SIGTERM), 0, 0, 0)
        // The parent may have died before the call: then its place was taken by init.
        if getppid() == 1 { throw StartupError("the process that started it is gone") }
    }

    private static func makeDataDirectory(_ path: String) throws {
        var partial = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            partial += partial.isEmpty || partial.hasSuffix("/") ? component : "/\(component)"
            if mkdir(partial, 0o700) != 0, errno != EEXIST {
                throw StartupError("cannot make the data directory \(path): \(String(cString: strerror(errno))); choose another with --data-dir")
            }
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw StartupError(
                "cannot use the data directory \(path): \(String(cString: strerror(errno))); give this user the directory or choose another with --data-dir"
            )
        }
    }
}

/// The last service, so the first to hear of a stop.
private struct StopNotice: ServiceLifecycle.Service {
    let notifier: SystemdNotifier
    let readiness: Readiness
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        notifier.notify("STOPPING=1")
        logger.info("stopping")
    }
}

/// Feeds systemd's watchdog while the process turns.
private struct Watchdog: ServiceLifecycle.Service {
    let notifier: SystemdNotifier
    let interval: Duration

    init?(_ notifier: SystemdNotifier, _ environment: [String: String]) {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else { return nil }
        self.notifier = notifier
        interval = .microseconds(microseconds / 2)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                notifier.notify("WATCHDOG=1")
                try? await Task.sleep(for: interval)
            }
        }
    }
}
