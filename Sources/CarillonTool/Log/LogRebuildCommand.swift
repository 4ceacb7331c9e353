import ArgumentParser
import Contracts
import EventLog
import Foundation

/// `carillon log rebuild`: the projections anew from the events, beside the logs and compared with them.
struct LogRebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Makes each log anew with projections recomputed from its events, and says what differs.",
        discussion: """
            The logs are only read, best while no daemon writes them. To use a rebuilt log: stop its daemon, remove the \
            old .db, .db-wal and .db-shm, move the new .db into their place and start the daemon.
            """
    )

    @OptionGroup var options: LogOptions

    @Option(help: "The directory for the rebuilt logs; made when it does not exist.", completion: .directory)
    var into: String

    func run() async throws {
        let target = URL(fileURLWithPath: into).standardizedFileURL.path
        guard target != options.directory.path else {
            throw ToolError.usage("--into must be another directory than the logs'")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: target,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw ToolError.failed("\(target) cannot be made; give another directory with --into")
        }
        let reports = try options.open().logs.map { log in
            try LogRebuild.run(
                source: log.reader.path,
                into: "\(target)/\(log.name).db",
                schema: LogProjections.schema(of: log.name),
                projections: LogProjections.of(log.name)
            )
        }
        let found = LogVerification(reports: reports)
        Terminal.write(options.json ? found.json.text + "\n" : found.text(of: "rebuild"))
        if found.violations > 0 { throw ExitCode(1) }
    }
}
