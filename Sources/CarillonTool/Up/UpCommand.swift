import AMQP
import ArgumentParser
import Contracts
import DialerWorker
import Foundation
import Service

/// `carillon up`: everything on one machine, until it is stopped.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Runs everything on this machine until Ctrl-C: broker, daemons, a first account.",
        discussion: """
            Without --amqp-url (or CARILLON_AMQP_URL) a private RabbitMQ is started, on loopback only. All data is in the
            data directory; a later `up` on the same directory goes on where this one ended.
            """
    )

    @OptionGroup var directory: DataDirectoryOption

    @Option(help: "Where the API listens; port 0 takes a free one. Default: CARILLON_HTTP_LISTEN, else 127.0.0.1:8080.")
    var http: String?

    @Option(help: "A broker that runs already. Default: CARILLON_AMQP_URL, else a private one.")
    var amqpUrl: String?

    @Option(help: "The simulator's scenario. Default: CARILLON_SIMULATOR_SCENARIO, else its own.", completion: .file())
    var scenario: String?

    @Option(help: "Where the simulator notes each placed call. Default: CARILLON_SIMULATOR_LEDGER, else nowhere.")
    var ledger: String?

    @Option(help: "How many dialer-workers to run.")
    var workers = 1

    @Flag(help: "Print one line of JSON on stdout, and nothing else there.")
    var json = false

    @Flag(help: "Copy the daemons' logs to stderr.")
    var verbose = false

    func run() async throws {
        let settings = try settings()
        let json = json
        let note: @Sendable (String) -> Void = { Terminal.writeError("carillon: \($0)\n") }
        if !json { Terminal.write("Starting Carillon in \(settings.dataDirectory) ...\n") }
        let verbose = verbose
        try await PlatformRun.run(settings, note: note, verbose: verbose) { report in
            Terminal.write(json ? report.json.text + "\n" : report.text)
            // Until a signal cancels it.
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
        if !json { Terminal.write("Stopped.\n") }
    }

    private func settings() throws -> PlatformSettings {
        let environment = ProcessInfo.processInfo.environment
        func value(_ option: String?, _ name: String) -> String? {
            [option, environment[name]].compactMap { $0 }.first { !$0.isEmpty }
        }
        guard (1...64).contains(workers) else {
            throw ToolError.configuration("--workers must be from 1 to 64, and is \(workers)")
        }
        var settings = PlatformSettings(dataDirectory: directory.path, environment: environment)
        settings.http = try UpCommand.listenAddress(value(http, "CARILLON_HTTP_LISTEN") ?? settings.http)
        settings.amqpURL = value(amqpUrl, "CARILLON_AMQP_URL")
        do throws(ConfigurationError) {
            settings.amqpTLS = try TLSOptions.settings(url: settings.amqpURL ?? "", environment: environment)
        } catch {
            throw ToolError.configuration(error.message)
        }
        settings.prefix = value(nil, "CARILLON_AMQP_PREFIX") ?? settings.prefix
        settings.scenario = try value(scenario, "CARILLON_SIMULATOR_SCENARIO").map(UpCommand.scenarioFile)
        settings.ledger = value(ledger, "CARILLON_SIMULATOR_LEDGER").map {
            URL(fileURLWithPath: $0).standardizedFileURL.path
        }
        settings.workers = workers
        return settings
    }

    /// `host:port` as it is; throws one line for anything else.
    static func listenAddress(_ text: String) throws(ToolError) -> String {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { throw .configuration("--http must be HOST:PORT such as 127.0.0.1:8080, and is \(text)") }
        return text
    }

    /// A scenario that the workers will understand: better said now than after the broker's start.
    static func scenarioFile(_ path: String) throws -> String {
        let file = try existingFile(path)
        do {
            _ = try Scenario(path: file)
        } catch {
            throw ToolError.configuration("\(error)")
        }
        return file
    }

    static func existingFile(_ path: String) throws(ToolError) -> String {
        guard access(path, R_OK) == 0 else {
            throw .configuration("\(path) cannot be read (\(String(cString: strerror(errno)))); give another file")
        }
        return URL(fileURLWithPath: path).standardizedFileURL.path
    }
}
