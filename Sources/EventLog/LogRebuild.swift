import Contracts
import GRDB
import Glibc

/// Makes a log anew: its events and what belongs to them copied, its projections recomputed from the events alone.
///
/// Offline and beside the source, of which no byte is written. What the projections were is compared with what they
/// have to be, so the report says whether the new file is needed at all; to use it, stop the daemon and move it into
/// the place of the old one, whose `-wal` and `-shm` files go too.
///
/// A stream with erased data cannot be folded: its row is taken over as it is. Tables that triggers keep follow from
/// the rows; tables that are neither events nor projections, nor kept by triggers, are copied. The chain is not its
/// affair: ``LogVerifier`` checks it.
package enum LogRebuild {
    /// Rebuilds the log at `source` into the new file `target` and answers with what differs.
    ///
    /// The target appears under its name once it is whole and on disk. Throws ``EventLogError`` when it exists already,
    /// when the source is being written to, or when a disk fails.
    ///
    /// - Parameter schema: the statements that create the projections' tables, as a daemon gives them when it opens.
    package static func run(
        source: String,
        into target: String,
        schema: [String],
        projections: [any VerifiedProjection]
    ) throws -> LogReport {
        var status = stat()
        guard stat(target, &status) != 0 else {
            throw EventLogError(.inputOutput, "\(target) exists already; give an empty directory")
        }
        var plan = RebuildPlan(
            source: source,
            schema: schema,
            projections: projections,
            files: RebuildFiles(target: target)
        )
        defer { plan.files.removePartial() }
        let reader = try LogReader(path: source, isForWalks: true)
        let outdated = try reader.read { try ProjectionUpgrade(schema: schema, projections: projections).outdated($0) }
        guard outdated.isEmpty else {
            throw EventLogError(
                .schemaTooOld,
                "\(source) has rows of an earlier version (\(outdated.sorted().joined(separator: ", "))); start its daemon "
                    + "once on it, or on a copy: it makes them anew from the events"
            )
        }
        var report = LogReport(file: source)
        report.events = try plan.copyAndFold(reader) { report.add($0) }
        report.chainIsIntact = nil
        try plan.join()
        try plan.checkRest(reader) { report.add($0) }
        try plan.files.finish()
        return report
    }
}

/// The names of the files of a rebuild.
struct RebuildFiles: Sendable {
    let target: String
    /// Becomes the target once it is whole.
    var partial: String { target + ".partial" }
    /// The recomputed rows in their order, until they are joined with the events.
    var rows: [String] = []

    init(target: String) { self.target = target }

    func rows(of part: Int) -> String { "\(target).rows\(part)" }

    func removePartial() {
        for name in [partial] + rows { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(name + suffix) } }
    }

    /// Has the whole file on disk under its own name.
    func finish() throws {
        let directory = target.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        try sync(partial)
        guard rename(partial, target) == 0 else { throw EventLogError.opening(target, errno: errno) }
        try sync(directory.isEmpty ? "." : directory)
    }

    private func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw EventLogError.opening(path, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw EventLogError.opening(path, errno: errno) }
    }
}
