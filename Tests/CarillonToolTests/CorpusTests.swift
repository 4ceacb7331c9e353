import EventLog
import Foundation
import TestSupport
import Testing

@testable import CarillonTool

/// The logs of earlier versions that are kept in `Corpus`.
@Suite struct CorpusTests {
    struct Kept: CustomTestStringConvertible, Sendable {
        var name: String
        /// By log.
        var events: [String: Int64]
        var testDescription: String { name }
    }

    static let all = [
        Kept(name: "calls", events: ["campaign-manager": 1339, "outdial-manager": 856, "dialer-worker.1": 1332]),
        Kept(name: "lists", events: ["campaign-manager": 53, "outdial-manager": 43, "dialer-worker.1": 18]),
    ]

    /// A copy of the logs, unpacked.
    private func unpack(_ kept: Kept) throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory(inMemory: true)
        let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(kept.name)")
        for log in kept.events.keys {
            let unpacked = URL(filePath: directory.path).appending(path: "\(log).db")
            #expect(FileManager.default.createFile(atPath: unpacked.path, contents: nil))
            let gzip = Process()
            gzip.executableURL = URL(filePath: "/usr/bin/env")
            gzip.arguments = ["gzip", "-dc", corpus.appending(path: "\(log).db.gz").path]
            gzip.standardOutput = try FileHandle(forWritingTo: unpacked)
            try gzip.run()
            gzip.waitUntilExit()
            #expect(gzip.terminationStatus == 0)
        }
        return directory
    }

    private func events(_ found: LogVerification) -> [String: Int64] {
        found.reports.reduce(into: [:]) { $0[LogProjections.name(of: $1.file)] = $1.events }
    }

    @Test("verifies as it was left", arguments: all)
    func verifies(_ kept: Kept) throws {
        let directory = try unpack(kept)
        let found = try LogVerification.run(directory.path, ledger: nil)
        #expect(found.reports.flatMap(\.violations) == [])
        #expect(found.reports.allSatisfy { $0.chainIsIntact == true })
        #expect(events(found) == kept.events)
        #expect(found.reports.contains { !$0.outdatedTables.isEmpty })
        #expect(found.text.contains("not compared"))
    }

    @Test("opens with this version, which makes its rows anew", arguments: all)
    func opens(_ kept: Kept) throws {
        let directory = try unpack(kept)
        for log in kept.events.keys {
            let file = try EventLogFile.open(
                path: "\(directory.path)/\(log).db",
                schema: LogProjections.schema(of: log),
                projections: LogProjections.of(log)
            )
            try file.close()
        }
        let found = try LogVerification.run(directory.path, ledger: nil)
        #expect(found.reports.flatMap(\.violations) == [])
        #expect(found.reports.allSatisfy { $0.outdatedTables.isEmpty })
        #expect(events(found) == kept.events)
    }

    @Test func aLogWithRowsOfAnEarlierVersionIsNotRebuilt() throws {
        let directory = try unpack(Self.all[1])
        let error = #expect(throws: EventLogError.self) {
            try LogRebuild.run(
                source: "\(directory.path)/campaign-manager.db",
                into: "\(directory.path)/new.db",
                schema: LogProjections.schema(of: "campaign-manager"),
                projections: LogProjections.of("campaign-manager")
            )
        }
        #expect(error?.code == .schemaTooOld)
        #expect(error?.message.contains("start its daemon once") == true)
    }
}
