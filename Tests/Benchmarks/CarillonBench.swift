import ArgumentParser
import Contracts
import Foundation
import Glibc

/// Measures the parts of Carillon beside what plain C makes of the same work on the same machine.
///
/// It reports and judges nothing: every run that could measure ends with status 0.
@main
struct CarillonBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carillon-bench",
        abstract: "Measures the parts of Carillon beside their raw C floors."
    )

    /// A group of figures that is measured together.
    enum Group: String, CaseIterable, ExpressibleByArgument {
        case publish, consume, append, replay
        case endToEnd = "end-to-end"
        case imports = "import"
        case million
        case gateway
    }

    @Option(parsing: .upToNextOption, help: "Measure these only.")
    var only: [Group] = []

    @Option(help: "How often each thing is measured beside its floor.")
    var pairs = 5

    @Flag(help: "A tenth of the work: shows that everything runs.")
    var quick = false

    @Flag(help: "In end-to-end: have a queue take every event that is published.")
    var listen = false

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Option(help: "Where the data goes for the time being; a directory on a disk.")
    var dir = FileManager.default.currentDirectoryPath

    @Option(help: "Where carillon and the daemons are. Default: beside this program.")
    var programs: String?

    @Option(help: "A library that counts synchronisations, from Preload/count_syncs.c. Default: they are not counted.")
    var syncCounter: String?

    func validate() throws {
        guard (1...1000).contains(pairs) else { throw ValidationError("--pairs must be from 1 to 1000") }
    }

    func run() async throws {
        Stopper.shared.listen()
        do {
            try await measure()
            Stopper.shared.stopAll()
        } catch {
            Stopper.shared.stopAll()
            throw error
        }
    }

    private func measure() async throws {
        let settings = try settings()
        var machine = try Machine(directory: settings.directory)
        settings.say(machine.lines.joined(separator: "\n"))
        var results: [BenchResult] = []
        for group in Group.allCases where only.isEmpty || only.contains(group) {
            results += try await run(group, settings)
        }
        machine.syncMilliseconds.append(try Machine.syncMedian(settings.directory))
        if json {
            let all: JSONValue = ["machine": machine.json, "results": .array(results.map(\.json))]
            print(all.text)
        } else {
            print(ReportTable(machine: machine, results: results).text, terminator: "")
        }
    }

    private func run(_ group: Group, _ settings: BenchSettings) async throws -> [BenchResult] {
        switch group {
        case .publish: try await BusBench(settings).publish()
        case .consume: try await BusBench(settings).consume()
        case .append: try await AppendBench(settings).run()
        case .replay: try await ReplayBench(settings).run()
        case .endToEnd: try await EndToEndBench(settings).run()
        case .imports: try await ImportBench(settings).run()
        case .million: try await MillionBench(settings).run()
        case .gateway: try await GatewayBench(settings).run()
        }
    }

    /// Makes the directory of this run; it goes when the run ends, however that is.
    private func settings() throws -> BenchSettings {
        let base = URL(fileURLWithPath: dir).standardizedFileURL.path
        let directory = "\(base)/carillon-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        Stopper.shared.removeAtEnd(directory)
        // The private broker goes below the temporary directory.
        setenv("TMPDIR", directory, 1)
        return BenchSettings(
            pairs: pairs,
            isQuick: quick,
            isListening: listen,
            directory: directory,
            programs: programs ?? URL(fileURLWithPath: Stopper.ownPath).deletingLastPathComponent().path,
            syncCounter: syncCounter,
            say: { text in FileHandle.standardError.write(Data((text + "\n").utf8)) }
        )
    }
}
