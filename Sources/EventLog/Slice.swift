package import Contracts
import FoundationEssentials
import GRDB

/// What a log declares that is only a part of another one: which of its events it holds, and why.
///
/// The events keep their positions and their chain. They are runs of neighbours; between the runs are gaps, over which
/// the chain value before each run leads. It is kept in `meta`: `slice` says what was taken, `slice_runs` is 48 bytes
/// for each run (first and last position, 8 bytes each, big-endian; the chain value before it), `slice_partial` names the
/// streams of which not all events are there, one a line: these have no rows.
package struct Slice: Sendable {
    /// What was taken, and what was left out.
    package let note: JSONValue
    /// Streams that lack events.
    package let partial: Set<String>
    private let runs: [Run]
    private let indexes: [Int64: Int]

    struct Run: Hashable, Sendable {
        var first: Int64
        var last: Int64
        var prior: Hash
    }

    init(note: JSONValue, partial: Set<String>, runs: [Run]) {
        self.note = note
        self.partial = partial
        self.runs = runs
        indexes = Dictionary(runs.indices.map { (runs[$0].first, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Nil for a log that is whole.
    init?(_ db: Database) throws {
        guard let text = try Slice.text("slice", db) else { return nil }
        let bytes = try Data.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'slice_runs'") ?? Data()
        let names = try Slice.text("slice_partial", db) ?? ""
        self.init(
            note: (try? JSONValue(parsing: Array(text.utf8))) ?? .null,
            partial: Set(names.split(separator: "\n").map(String.init)),
            runs: Slice.runs([UInt8](bytes))
        )
    }

    /// The position of its last event.
    var last: Int64 { runs.last?.last ?? 0 }

    /// The chain value before the run that begins at `position`, when nothing but a declared gap is between it and
    /// `previous`.
    func prior(of position: Int64, after previous: Int64) -> Hash? {
        guard let index = indexes[position] else { return nil }
        return previous == (index == 0 ? 0 : runs[index - 1].last) ? runs[index].prior : nil
    }

    /// The chain value before the run that begins at `position`; nil when none does.
    package func priorBytes(of position: Int64) -> [UInt8]? { indexes[position].map { runs[$0].prior.array } }

    /// How many events of it are after `position` and up to `last`, and the first of them.
    func expected(after position: Int64, upTo last: Int64) -> (count: Int64, first: Int64?) {
        var count: Int64 = 0
        var first: Int64?
        for run in runs where run.last > position && run.first <= last {
            let begin = max(run.first, position + 1)
            count += min(run.last, last) - begin + 1
            first = first ?? begin
        }
        return (count, first)
    }

    // MARK: - Stored form

    static func isSlice(_ db: Database) throws -> Bool {
        guard try db.tableExists("meta") else { return false }
        return try Int.fetchOne(db, sql: "SELECT 1 FROM meta WHERE name = 'slice'") != nil
    }

    /// The streams that lack events; none for a log that is whole.
    static func partialStreams(_ db: Database) throws -> Set<[UInt8]> {
        guard let names = try text("slice_partial", db) else { return [] }
        return Set(names.utf8.split(separator: UInt8(ascii: "\n")).map { Array($0) })
    }

    func write(_ db: Database) throws {
        var bytes: [UInt8] = []
        for run in runs {
            for number in [run.first, run.last] {
                withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
            }
            withUnsafeBytes(of: run.prior) { bytes.append(contentsOf: $0) }
        }
        try db.execute(
            sql: "INSERT INTO meta VALUES ('slice', ?), ('slice_runs', ?), ('slice_partial', ?)",
            arguments: [note.text, Data(bytes), partial.sorted().joined(separator: "\n")]
        )
    }

    private static func text(_ name: String, _ db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
    }

    private static func runs(_ bytes: [UInt8]) -> [Run] {
        stride(from: 0, to: bytes.count - 47, by: 48).compactMap { start in
            bytes.withUnsafeBytes { bytes in
                let first = bytes.loadUnaligned(fromByteOffset: start, as: Int64.self)
                let last = bytes.loadUnaligned(fromByteOffset: start + 8, as: Int64.self)
                let prior = Hash(UnsafeRawBufferPointer(rebasing: bytes[start + 16..<start + 48]))
                return prior.map { Run(first: Int64(bigEndian: first), last: Int64(bigEndian: last), prior: $0) }
            }
        }
    }
}
