import ArgumentParser
import Contracts

/// `carillon log verify`: whether the logs are whole, and agree with each other.
struct LogVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks positions, versions, chain, projections against replay, and the invariants across logs."
    )

    @OptionGroup var options: LogOptions

    @Option(help: "The simulator's ledger. Default: CARILLON_SIMULATOR_LEDGER, else ledger.jsonl beside the logs.")
    var ledger: String?

    func run() async throws {
        let found = try LogVerification.run(options.directory.path, ledger: ledger)
        Terminal.write(options.json ? found.json.text + "\n" : found.text)
        if found.violations > 0 { throw ExitCode(1) }
    }
}
