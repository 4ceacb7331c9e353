import ArgumentParser
import Contracts
import EventLog

/// `carillon log export`: what concerns one case, as one file to carry away.
struct LogExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract:
            "Writes the events of one case, with the proofs of the chain, to stdout: a file that replays elsewhere.",
        discussion: """
            Example: carillon log export --target 01900000-0000-7000-8000-000000000001 > case.jsonl
            Example: carillon log export --campaign 01900000-0000-7000-8000-000000000002 --mask --key my.key > case.jsonl

            Without --mask the file is as confidential as the logs: it has numbers, names, hashes of passwords and webhook secrets. With it \\
            every text that may tell of a person is replaced by a pseudonym that follows from it and the key: the same \\
            number has the same pseudonym in all files of that key. Ids and times stay. Keep the key, and do not send \\
            it along. `carillon log import` makes logs of the file.
            """
    )

    @Option(help: "All that this request or delivery led to.") var correlation: String?
    @Option(help: "This campaign with its calls and the targets of its lists.") var campaign: String?
    @Option(help: "This target with its attempts, and what decides about it.") var target: String?
    @Flag(help: "Replace numbers, names, data, variables, digits and texts of actions by pseudonyms.") var mask = false
    @Option(help: "The file of the key for --mask: 16 random bytes or more.", completion: .file()) var key: String?
    @OptionGroup var options: LogOptions

    func run() async throws {
        let scope = try SliceScope(correlation: correlation, campaign: campaign, target: target)
        guard mask == (key != nil) else {
            throw ToolError.usage(mask ? "--mask needs --key FILE" : "--key is for --mask, which is not given")
        }
        let pseudonyms = try key.map { try Pseudonyms(file: $0) }
        var export = try SliceExport(scope, of: try options.open(), pseudonyms: pseudonyms)
        let count = try export.run { Terminal.write(bytes: $0) }
        let hint = mask ? "" : "; it is not masked: it says what the logs say of people"
        Terminal.writeError("carillon: \(count) events of \(scope.text)\(hint)\n")
    }
}
