import Contracts
import EventLog
import OutdialManager
import TestSupport
import Testing

@testable import CarillonTool

@Suite struct LogRebuildTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        let log = try EventLogFile.open(path: directory.file("outdial-manager.db"), schema: OutdialTables.schema)
        try log.close()
    }

    private func rebuild(into target: String) async -> Int32 {
        await CarillonProgram.run(["log", "rebuild", "--data-dir", directory.path, "--into", directory.file(target)])
    }

    @Test func aGoodLogIsRebuiltWithStatus0() async throws {
        #expect(await rebuild(into: "new") == 0)
        let verified = await CarillonProgram.run(["log", "verify", "--data-dir", directory.file("new")])
        #expect(verified == 0)
        #expect(await rebuild(into: "new") == 1)
    }

    @Test func theLogsOwnDirectoryIsRefused() async {
        #expect(await rebuild(into: ".") == 64)
    }
}
