import Contracts
import NIOHTTP1

/// One file of many rows over HTTP: rows a second, and how the daemons' memory grows with the file.
struct ImportBench {
    private let settings: BenchSettings
    private let rows: Int

    init(_ settings: BenchSettings) {
        self.settings = settings
        rows = settings.amount(100_000)
    }

    func run() async throws -> [BenchResult] {
        try await Platform.with(settings, name: "import", measure)
    }

    private func measure(_ platform: Platform) async throws -> [BenchResult] {
        // A first small file, so that what is only made once is not taken for growth.
        _ = try await platform.makeOutdial(2000)
        var rates: [Double] = []
        var outdial = ""
        for round in 1...settings.pairs {
            let time = try await seconds { outdial = try await platform.makeOutdial(rows, chunk: rows) }
            settings.say("import: round \(round): \(rows) rows in \(time) s")
            rates.append(Double(rows) / time)
        }
        var results = [
            BenchResult("import of one file of \(rows) rows", "rows/s", rates, note: "CSV over HTTP, slices of 500")
        ]
        results.append(try await dryRun(platform, outdial))
        results += try await growth(platform)
        return results
    }

    private func dryRun(_ platform: Platform, _ outdial: String) async throws -> BenchResult {
        let file = Platform.file(of: 0..<rows)
        let path = "/v1.0/outdials/\(outdial)/targets/import?dry_run=true"
        var answer = JSONValue.null
        let time = try await seconds { answer = try await platform.call(.POST, path, file, type: "text/csv") }
        guard answer["duplicates"].integer == Int64(rows) else { throw BenchFailure("a dry run missed duplicates") }
        return BenchResult("dry run of the same file", "rows/s", [Double(rows) / time], note: "every row a duplicate")
    }

    /// What four times the rows in one file add to the most that was ever resident.
    private func growth(_ platform: Platform) async throws -> [BenchResult] {
        let names = ["api-gateway", "outdial-manager"]
        let before = try names.map { try platform.figures($0).peakMiB }
        _ = try await platform.makeOutdial(4 * rows, chunk: 4 * rows)
        return try zip(names, before).map { name, before in
            let peak = try platform.figures(name).peakMiB
            return BenchResult(
                "memory that a file of \(4 * rows) rows adds: \(name)",
                "MiB",
                [peak - before],
                note: "peak \(Int(peak)) MiB, after files of \(rows) rows it was \(Int(before)) MiB"
            )
        }
    }
}
