import ArgumentParser
import Contracts
import Foundation

/// `carillon demo`: a whole campaign on this machine, from nothing to the proof from the logs.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs a whole campaign over a list of made-up people, and checks the logs."
    )

    @Option(help: "How many people to dial: the first ones of the list, or more that are made up.") var targets: Int?
    @Option(help: "The simulator's scenario.", completion: .file()) var scenario: String
    @Option(help: "The list of people, CSV.", completion: .file()) var people: String
    @Option(help: "Where to keep the data. Default: a temporary directory, removed at the end.") var dataDir: String?
    @Flag(help: "Leave everything running until Ctrl-C.") var keep = false

    func validate() throws {
        if let targets, !(1...1_000_000).contains(targets) {
            throw ValidationError("--targets must be from 1 to 1000000, and is \(targets)")
        }
    }

    func run() async throws {
        let list = try DemoList.prepare(people: people, targets: targets)
        defer { list.removeTemporary() }
        let scenario = try UpCommand.scenarioFile(scenario)
        let directory = try DemoDirectory(dataDir)
        defer { directory.removeTemporary() }
        var settings = PlatformSettings(
            dataDirectory: directory.path,
            environment: ProcessInfo.processInfo.environment
        )
        settings.http = "127.0.0.1:0"
        settings.scenario = scenario
        settings.ledger = directory.path + "/ledger.jsonl"
        let verdict = DemoVerdict()
        Terminal.write("Starting a private broker and the daemons in \(directory.path) ...\n")
        let keep = keep
        let finalSettings = settings
        let note: @Sendable (String) -> Void = { Terminal.writeError("carillon: \($0)\n") }
        try await PlatformRun.run(finalSettings, note: note) { report in
            let result = try await DemoRun(report: report, list: list.path).run()
            Terminal.write(result.text)
            verdict.set(result.isGood)
            guard keep else { return Terminal.write("Stopping ...\n") }
            Terminal.write(DemoRun.keepText(report, campaign: result.campaign))
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
        // A Ctrl-C before the end leaves nothing to judge.
        if verdict.isBad { throw ExitCode(1) }
    }
}

/// The data of a demo: kept where it was asked for, else removed at the end.
private struct DemoDirectory {
    let path: String
    private let isTemporary: Bool

    init(_ given: String?) throws(ToolError) {
        if let given {
            path = DataDirectoryOption.resolve(given, [:])
            isTemporary = false
            return
        }
        var template = Array("/tmp/carillon-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw PrivateFile.problem("/tmp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        isTemporary = true
    }

    func removeTemporary() {
        if isTemporary { try? FileManager.default.removeItem(atPath: path) }
    }
}
