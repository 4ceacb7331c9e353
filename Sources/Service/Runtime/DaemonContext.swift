package import Logging

/// What a daemon is built with.
package struct DaemonContext: Sendable {
    package var name: String
    package var configuration: CommonConfiguration
    package var environment: [String: String]
    package var logger: Logger
    package var readiness: Readiness
    package var version: String

    package init(
        name: String,
        configuration: CommonConfiguration,
        environment: [String: String],
        logger: Logger,
        readiness: Readiness,
        version: String = carillonVersion
    ) {
        self.name = name
        self.configuration = configuration
        self.environment = environment
        self.logger = logger
        self.readiness = readiness
        self.version = version
    }
}
