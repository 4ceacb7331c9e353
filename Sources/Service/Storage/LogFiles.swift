import Contracts
package import EventLog

/// Opening a daemon's own log.
package enum LogFiles {
    /// Opens or creates `<data directory>/<name>.db`; throws a ``StartupError`` that says what to do.
    ///
    /// `projections` are recomputed when an earlier version has left them in another form.
    package static func open(
        _ name: String,
        schema: [String],
        projections: [any VerifiedProjection] = [],
        _ context: DaemonContext
    ) throws -> EventLogFile {
        let path = "\(context.configuration.dataDirectory)/\(name).db"
        let process = LogProcess(
            name: context.name,
            version: context.version,
            configuration: [
                "amqp_prefix": .string(context.configuration.amqpPrefix),
                "data_dir": .string(context.configuration.dataDirectory),
            ]
        )
        do {
            let file = try EventLogFile.open(
                path: path,
                schema: schema,
                projections: projections,
                process: process
            )
            context.readiness.set("log", ready: true)
            return file
        } catch let error as EventLogError {
            throw StartupError(error.message)
        }
    }
}
