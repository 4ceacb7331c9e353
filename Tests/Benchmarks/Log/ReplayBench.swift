import Contracts
import EventLog
import Glibc

/// Reading a whole log: verifying all that it claims, and rebuilding its projections from its events, beside a plain scan of its rows.
struct ReplayBench {
    private let settings: BenchSettings
    private let count: Int

    init(_ settings: BenchSettings) {
        self.settings = settings
        count = settings.amount(1_000_000)
    }

    func run() async throws -> [BenchResult] {
        let path = "\(settings.directory)/replay.db"
        settings.say("replay: writing a log of \(count) events")
        let log = try EventLogFile.open(path: path, schema: Sample.table.schema)
        try Sample.append(count, batch: 1000, to: Sample.ids(count / 10), text: Sample.text(size: 300), log: log)
        try log.close()
        return try await ReplayBench.results("", path, Sample.table.schema, [Sample.table], settings, note: note)
    }

    private var note: String {
        "\(count) events of 300 B, 10 in each stream, page cache warm; chain, versions and one projection; "
            + ReplayBench.floorNote
    }

    static let floorNote = "floor: every column of every row through sqlite3"

    /// Measures the reading of one log, which nobody writes.
    static func results(
        _ suffix: String,
        _ path: String,
        _ schema: [String],
        _ projections: [any VerifiedProjection],
        _ settings: BenchSettings,
        note: String
    ) async throws -> [BenchResult] {
        settings.say("verify\(suffix): \(settings.pairs) pairs")
        let verify = try await pairs(path, settings) {
            let report = try LogVerifier.verify(path: path, projections: projections)
            guard report.violations.isEmpty else {
                throw BenchFailure("\(path) is not sound: \(report.violations.prefix(3))")
            }
        }
        settings.say("rebuild\(suffix): \(settings.pairs) pairs")
        let target = "\(settings.directory)/rebuilt.db"
        let rebuild = try await pairs(path, settings) {
            defer { unlink(target) }
            let report = try LogRebuild.run(source: path, into: target, schema: schema, projections: projections)
            guard report.violations.isEmpty else {
                throw BenchFailure("\(path) is rebuilt otherwise: \(report.violations.prefix(3))")
            }
        }
        let rebuildNote =
            "a new, synchronised file with the events and all projections made anew from them; \(floorNote)"
        return [
            BenchResult("verify\(suffix)", "events/s", verify, note: note),
            BenchResult("rebuild\(suffix)", "events/s", rebuild, note: rebuildNote),
        ]
    }

    private static func pairs(
        _ path: String,
        _ settings: BenchSettings,
        _ read: () throws -> Void
    ) async throws -> [Pair] {
        let count = try Floor.scan(path).rows
        return try await Pair.interleaved(settings.pairs) {
            Double(count) / (try await seconds { try read() })
        } floor: {
            let scan = try Floor.scan(path)
            return Double(scan.rows) / scan.seconds
        }
    }
}
