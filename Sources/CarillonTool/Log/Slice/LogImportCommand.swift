import ArgumentParser
import Contracts
import EventLog
import Foundation

/// `carillon log import`: logs of a slice, on which every command of `log` works.
struct LogImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Makes logs of a file of `carillon log export`, to look at them here.",
        discussion: """
            Example: carillon log import case.jsonl --into case
            Example: carillon log verify --data-dir case

            The events keep their positions, hashes and times. `verify` checks all that is there; no daemon starts on \\
            such logs.
            """
    )

    @Argument(help: "What `carillon log export` wrote.", completion: .file()) var file: String
    @Option(help: "A directory without logs; made when it does not exist.", completion: .directory) var into: String
    @Flag(help: "JSON, one document.") var json = false

    func run() async throws {
        guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe) else {
            throw ToolError.failed("\(file) cannot be read; give what `carillon log export` wrote")
        }
        let path = URL(fileURLWithPath: into).standardizedFileURL.path
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw ToolError.failed("\(path) cannot be made; give another directory with --into")
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard !names.contains(where: { $0.hasSuffix(".db") }) else {
            throw ToolError.usage("\(path) holds logs already; give an empty directory with --into")
        }
        let found = try SliceImport(bytes, into: path)
        if json {
            let document: JSONValue = [
                "scope": .string(found.scope), "events": .integer(found.events),
                "logs": .array(found.names.map { .string($0) }), "problems": .array(found.problems.map { .string($0) }),
            ]
            Terminal.write(document.text + "\n")
        } else {
            for problem in found.problems { Terminal.write("  \(problem)\n") }
            Terminal.write(
                "\(found.events) events of \(found.scope) are in \(path): \(found.names.joined(separator: ", "))\n"
            )
        }
        if !found.problems.isEmpty { throw ExitCode(1) }
    }
}
