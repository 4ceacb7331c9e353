import Glibc
import Logging
import Metrics
import NIOCore
import NIOPosix
package import ServiceLifecycle

/// The life of every daemon, from its arguments to its exit status.
package enum Daemon {
    package typealias Build<Options> = @Sendable (Options, DaemonContext) async throws -> [any ServiceLifecycle.Service]

    /// Parses arguments, prepares the process, builds the services and runs them until SIGTERM or SIGINT.
    ///
    /// Exit status 0 after a stop, 78 for a wrong setting, 1 for everything else; each failure is one line on standard
    /// error. `parts` are what has to be ready before the daemon calls itself ready, besides what `build` adds.
    package static func main<Options: DaemonOptions>(
        name: String,
        _: Options.Type,
        parts: [String] = ["broker"],
        build: @escaping Build<Options>
    ) async -> Never {
        prepareProcess()
        let environment = currentEnvironment()
        do {
            switch try CommandLineOptions<Options>.parse(name, Array(CommandLine.arguments.dropFirst())) {
            case .text(let text): print(text)
            case .options(let options): try await run(name, options, environment, parts: parts, build)
            }
            exit(0)
        } catch let error as ConfigurationError {
            fail(name, error.message, ConfigurationError.exitStatus)
        } catch {
            fail(name, "\(error)", StartupError.exitStatus)
        }
    }

    private static func run<Options: DaemonOptions>(
        _ name: String,
        _ options: Options,
        _ environment: [String: String],
        parts: [String],
        _ build: Build<Options>
    ) async throws {
        let configuration = try CommonConfiguration(options: options.common, environment: environment)
        let parent = try ParentProcess(environment: environment)
        let signals = StopSignals(daemon: name)
        signals.listen()
        if let parent { try signals.watch(parent) }
        try DataDirectory.prepare(configuration.dataDirectory)
        LoggingSystem.bootstrap { _ in
            LineLogHandler(daemon: name, format: configuration.logFormat, level: configuration.logLevel)
        }
        let metrics = PrometheusRegistry()
        MetricsSystem.bootstrap(metrics)
        Meter(label: "carillon_build_info", dimensions: [("daemon", name), ("version", carillonVersion)]).set(1)
        let logger = Logger(label: name)
        let notifier = SystemdNotifier(environment: environment)
        let readiness = Readiness(parts: parts) {
            logger.info("ready", metadata: ["version": .string(carillonVersion)])
            notifier.notify("READY=1\nSTATUS=ready")
        }
        let context = DaemonContext(
            name: name,
            configuration: configuration,
            environment: environment,
            logger: logger,
            readiness: readiness
        )
        var services: [any ServiceLifecycle.Service] = []
        if let address = configuration.metricsListen {
            // Before the build: a log that takes long to check can be asked about.
            let server = try await HealthServer.bind(address, readiness, metrics)
            logger.info("metrics are served", metadata: ["address": .string(server.address)])
            services.append(server)
        }
        let watchdog = Watchdog()
        if let service = WatchdogService(watchdog, notifier, logger: logger) { services.append(service) }
        services += try await build(options, context)
        let group = makeGroup(services, signals)
        signals.built { cause in
            readiness.stop()
            notifier.notify("STOPPING=1")
            // Its own task: this is the signals' thread, which must not wait, for a reader of the log neither.
            Task {
                // A failure is said once, by the line at the end.
                if cause != .failure { logger.info("stopping", metadata: cause.metadata) }
                await group.triggerGracefulShutdown()
            }
        }
        try await Watchdog.$current.withValue(watchdog) { try await group.run() }
    }

    static func makeGroup(_ services: [any ServiceLifecycle.Service], _ signals: StopSignals) -> ServiceGroup {
        // The group hears no signals and says nothing: both are ours.
        var group = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: SupervisedService(service: $0, signals: signals),
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup
                )
            },
            logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
        )
        // Then everything is cancelled. No limit for that: the group's own ends in a crash, the signals' thread in a line.
        group.maximumGracefulShutdownDuration = .seconds(8)
        return ServiceGroup(configuration: group)
    }

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

    private static func fail(_ name: String, _ message: String, _ status: Int32) -> Never {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        LineLogHandler.toStandardError(Array("\(name): \(LineLogHandler.oneLine(line))\n".utf8))
        exit(status)
    }
}

extension StopSequence.Cause {
    fileprivate var metadata: Logger.Metadata {
        self == .parentGone ? ["reason": "the process that started it is gone"] : [:]
    }
}
