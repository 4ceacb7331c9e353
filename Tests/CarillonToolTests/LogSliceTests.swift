import CampaignManager
import Contracts
import EventLog
import Foundation
import GRDB
import OutdialManager
import TestSupport
import Testing

@testable import CarillonTool

@Suite struct LogSliceTests {
    private static let key = Array("0123456789abcdef0123456789abcdef".utf8)

    /// Two lists, three campaigns, people who answer, are busy, or are on a do-not-call list.
    private struct Case {
        let world: Installation
        let campaign: ID
        var targets: [ID] = []

        init(seed: UInt64) throws {
            var random = RandomSource(seed: seed)
            let world = try Installation(channels: 3)
            self.world = world
            let (outdial, other) = (try world.makeOutdial(), try world.makeOutdial("autumn"))
            let list = world.newID()
            try world.atOutdials("dnclist.create", ["id": .id(list), "body": ["name": "wishes of Zebulon"]])
            for index in 0..<12 {
                let kind = 1 + random.next() % 5
                let number = "+1555\(100 + index)000\(kind)"
                let person: JSONObject = [
                    "name": .string("Zebulon \(index)"), "data": .string("owes Quentin 7000\(index)"),
                    "detail": "likes jazz",
                    "variables": ["nickname": .string("Zebbie\(index)")],
                ]
                targets.append(try world.addTarget(number, to: outdial, person))
                if random.next() % 4 == 0 { try world.addTarget(number, to: other, ["name": "Zebulon's double"]) }
                if random.next() % 6 == 0 {
                    try world.atOutdials("dnclist.add", ["id": .id(list), "body": ["number": .string(number)]])
                }
            }
            campaign = try world.makeCampaign(on: outdial, ["name": "Zebulon campaign"])
            _ = try world.makeCampaign(on: outdial, ["name": "Zebulon again"])
            try world.start(campaign)
            try world.run(for: 20_000)
            try world.start(try world.makeCampaign(on: other, ["name": "Zebulon elsewhere"]))
            try world.run(for: Milliseconds(Int64(30_000 + random.next() % 60_000)))
            if random.next() % 2 == 0 { try world.stop(campaign) }
            try world.run(for: 20_000)
        }
    }

    private func slice(_ scope: SliceScope, _ logs: LogDirectory, key: [UInt8]? = nil) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var export = try SliceExport(scope, of: logs, pseudonyms: try key.map { try Pseudonyms(key: $0) })
        let count = try export.run { bytes += $0 }
        #expect(count == bytes.count { $0 == UInt8(ascii: "\n") } - 1)
        return bytes
    }

    /// The logs of a slice, in a directory that goes with the test.
    private func imported(_ bytes: [UInt8]) throws -> (TemporaryDirectory, LogDirectory) {
        let directory = try TemporaryDirectory(inMemory: true)
        let found = try SliceImport(bytes, into: directory.path)
        #expect(found.problems.isEmpty)
        return (directory, try LogDirectory(path: directory.path))
    }

    private func explained(_ resource: String, _ at: String, _ logs: LogDirectory, _ clock: Timestamp) throws -> String
    {
        try Why(Past(logs, try Moment(at, in: logs), clock: clock), .plain).explain(resource).text(.plain)
    }

    private func told(_ id: ID, _ kind: String, _ logs: LogDirectory) throws -> [String] {
        var causes = Causes(logs)
        return try LogHistory.entries(of: id, kind: kind, in: logs).map { entry in
            entry.json(isMasked: false).text + (try causes.cause(of: entry)).json.text
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func aSliceTellsWhatItsSourceTells(_ seed: UInt64) throws {
        let made = try Case(seed: seed)
        let source = try made.world.logs()
        let (directory, copy) = try imported(try slice(.campaign(made.campaign), source))
        defer { withExtendedLifetime(directory) {} }
        // Given 100 random positions of streams that are in the slice as a whole
        var random = RandomSource(seed: seed)
        var streams: [(log: LogDirectory.Log, positions: [Int64])] = []
        for log in copy.logs {
            streams.append((log, try log.reader.events(after: 0, limit: 100_000).map(\.position)))
        }
        let all = streams.flatMap { log, positions in positions.map { (log, $0) } }
        var compared: [String: Int] = [:]
        while compared["state", default: 0] < 100 {
            let (log, position) = all[Int(random.next() % UInt64(all.count))]
            let event = try #require(try log.reader.event(at: position))
            guard let id = event.aggregate, !(log.slice?.partial.contains(event.stream) ?? false),
                let kind = try? ReplayedKind.named(LogEntry.kind(ofStream: event.stream))
            else { continue }
            let at = "\(log.name):\(position)"
            // Then its state is the same there, and so is what wrote its fields
            let moments = try (Moment(at, in: source), Moment(at, in: copy))
            let replays = try (Replay("\(kind.name):\(id)", in: source), Replay("\(kind.name):\(id)", in: copy))
            let states = try (replays.0.state(at: moments.0), replays.1.state(at: moments.1))
            #expect(states.0?.resource == states.1?.resource && states.0?.last.position == states.1?.last.position)
            compared["state", default: 0] += 1
            for member in (states.0?.resource.object?.members ?? []).prefix(40) {
                let path = FieldPath(text: member.name)
                let changes = try (
                    FieldChange.last(of: path, in: replays.0, at: moments.0),
                    FieldChange.last(of: path, in: replays.1, at: moments.1)
                )
                #expect(changes.0?.entry.position == changes.1?.entry.position)
                guard let entry = changes.0?.entry else { continue }
                let chains = try (Causes.chain(of: entry, in: source), Causes.chain(of: entry, in: copy))
                #expect(chains.0.map(\.position) == chains.1.map(\.position))
                compared["blame", default: 0] += 1
            }
            // And why it is so, and its history
            if ["target", "campaigncall"].contains(kind.name) {
                let name = "\(kind.name):\(id)"
                if copy.hasAll("campaigncall"), copy.hasAll("target") {
                    #expect(
                        try explained(name, at, source, made.world.now) == explained(name, at, copy, made.world.now)
                    )
                    compared["why", default: 0] += 1
                } else if let found = try? Why(Past(source, moments.0), .plain).explain(name) {
                    let other = try Why(Past(copy, moments.1), .plain).explain(name)
                    #expect(found.story.map(\.text) == other.story.map(\.text))
                    let beside: Set<Obstacle.Reason> = [
                        .limitReached, .rate, .serviceLevel, .noWorker, .noChannel, .others,
                    ]
                    #expect(
                        found.obstacles.filter { !beside.contains($0.reason) }.map(\.sentence.text)
                            == other.obstacles.map(\.sentence.text)
                    )
                    compared["why", default: 0] += 1
                }
                #expect(try told(id, kind.name, source) == told(id, kind.name, copy))
            }
        }
        #expect(compared["blame", default: 0] > 100 && compared["why", default: 0] > 10)
        // And nothing is wrong with it
        let found = try LogVerification.run(directory.path, ledger: nil)
        #expect(found.violations == 0, "\(found.text)")
        #expect(found.text.contains("a slice of campaign:\(made.campaign)"))
    }

    @Test func aTargetBringsAllThatDecidedAboutItAndNothingElse() throws {
        let made = try Case(seed: 7)
        let source = try made.world.logs()
        for target in made.targets {
            let (directory, copy) = try imported(try slice(.target(target), source))
            #expect(try told(target, "target", source) == told(target, "target", copy))
            let found = try Why(Past(copy, .now, clock: made.world.now), .plain).explain("target:\(target)")
            let whole = try Why(Past(source, .now, clock: made.world.now), .plain).explain("target:\(target)")
            #expect(found.story.map(\.text) == whole.story.map(\.text))
            let verified = try LogVerification.run(directory.path, ledger: nil)
            #expect(verified.violations == 0, "\(verified.text)")
            let log = try #require(copy.logs.first { $0.name == "outdial-manager" })
            #expect(log.slice?.note["left_out"]["target"].integer ?? 0 > 5)
        }
    }

    @Test func aRequestBringsWhatItLedTo() throws {
        let made = try Case(seed: 8)
        let source = try made.world.logs()
        let log = try #require(source.campaignManager)
        let started = try #require(try log.events("WHERE type = 'campaign_started' LIMIT 1", []).first)
        let (directory, copy) = try imported(try slice(.correlation(started.correlation), source))
        for (log, other) in zip(source.logs, copy.logs) {
            #expect(
                try log.reader.events(correlation: started.correlation)
                    == other.reader.events(correlation: started.correlation)
            )
        }
        #expect(try LogVerification.run(directory.path, ledger: nil).violations == 0)
        #expect(throws: ToolError.self) { try slice(.correlation(made.world.newID()), source) }
    }

    @Test func aSliceOfASliceIsThatSlice() throws {
        let made = try Case(seed: 9)
        let first = try slice(.target(made.targets[0]), try made.world.logs())
        let (directory, copy) = try imported(first)
        let again = try slice(.target(made.targets[0]), copy)
        func events(_ bytes: [UInt8]) -> [String] {
            String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().map(String.init)
        }
        #expect(events(first) == events(again))
        withExtendedLifetime(directory) {}
    }

    // MARK: - Damage

    @Test func whatWasChangedInASliceIsFoundWhereItIs() throws {
        let made = try Case(seed: 10)
        let bytes = try slice(.target(made.targets[0]), try made.world.logs())
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        func verified(_ lines: [String]) throws -> [Violation] {
            let (directory, _) = try imported(Array((lines.joined(separator: "\n") + "\n").utf8))
            return try LogVerification.run(directory.path, ledger: nil).reports.flatMap(\.violations)
        }
        #expect(try verified(lines).isEmpty)
        // An actor who is another one breaks the chain at its event
        let index = try #require(lines.firstIndex { $0.contains("\"type\":\"target_leased\"") })
        var forged = lines
        forged[index] = forged[index].replacing("\"actor\":\"campaign-manager\"", with: "\"actor\":\"nobody\"")
        #expect(forged[index] != lines[index])
        let position = try #require(try JSONValue(parsing: Array(lines[index].utf8))["position"].integer)
        #expect(try verified(forged).map { "\($0.position) \($0.kind)" } == ["\(position) chain"])
        // A line that is missing makes the file a cut one
        var cut = lines
        cut.remove(at: index)
        #expect(throws: ToolError.self) { try verified(cut) }
    }

    @Test func anEventThatIsTakenOutOfAnImportedSliceIsMissing() throws {
        let made = try Case(seed: 11)
        let (directory, copy) = try imported(try slice(.target(made.targets[0]), try made.world.logs()))
        let log = try #require(copy.outdialManager)
        let last = try log.head()
        try editing("\(directory.path)/outdial-manager.db") {
            try $0.execute(sql: "DELETE FROM event WHERE position = \(last)")
        }
        let found = try LogVerification.run(directory.path, ledger: nil).reports.flatMap(\.violations)
        #expect(found.contains { $0.position == last && $0.kind == "position" && $0.message == "the event is missing" })
    }

    @Test func noDaemonOpensASlice() throws {
        let made = try Case(seed: 12)
        let (directory, _) = try imported(try slice(.target(made.targets[0]), try made.world.logs()))
        for (name, schema) in [("campaign-manager", CampaignTables.schema), ("outdial-manager", OutdialTables.schema)] {
            let error = #expect(throws: EventLogError.self) {
                try EventLogFile.open(path: "\(directory.path)/\(name).db", schema: schema)
            }
            #expect(error?.code == .slice)
            #expect(error?.message.contains("is a slice of a log, imported for reading") == true)
        }
    }

    // MARK: - Masking

    @Test func aMaskedSliceTellsNothingOfPeopleAndIsSoundStill() throws {
        let made = try Case(seed: 13)
        let source = try made.world.logs()
        let bytes = try slice(.campaign(made.campaign), source, key: LogSliceTests.key)
        let text = String(decoding: bytes, as: UTF8.self)
        // Nothing that names a person, a number or a text of theirs
        for secret in ["Zebulon", "Zebbie", "Quentin", "jazz", "owes", "0123456789abcdef"]
            + (0..<12).map({ "\(100 + $0)000" }).map({ "+1555\($0)" })
        {
            #expect(!text.contains(secret), "\(secret)")
        }
        // The same key gives the same file, another one another
        #expect(try slice(.campaign(made.campaign), source, key: LogSliceTests.key) == bytes)
        #expect(try slice(.campaign(made.campaign), source, key: LogSliceTests.key.reversed()) != bytes)
        let (directory, copy) = try imported(bytes)
        let verified = try LogVerification.run(directory.path, ledger: nil)
        #expect(verified.violations == 0, "\(verified.text)")
        // And what happened is told as before
        let target = made.targets[0]
        #expect(
            try LogHistory.entries(of: target, kind: "target", in: copy).map { "\($0.position) \($0.event.type)" }
                == LogHistory.entries(of: target, kind: "target", in: source).map { "\($0.position) \($0.event.type)" }
        )
        for target in made.targets {
            let first = try Why(Past(source, .now, clock: made.world.now), .plain).explain("target:\(target)")
            let second = try Why(Past(copy, .now, clock: made.world.now), .plain).explain("target:\(target)")
            #expect(first.story.count == second.story.count)
            #expect(
                first.obstacles.contains { $0.reason == .doNotCall }
                    == second.obstacles.contains { $0.reason == .doNotCall }
            )
        }
        #expect(copy.logs.allSatisfy { $0.slice?.note["masked"] == true })
    }

    @Test func aNumberStaysANumberOfItsCountry() throws {
        let pseudonyms = try Pseudonyms(key: LogSliceTests.key)
        var seen: Set<String> = []
        for index in 0..<10_000 {
            let number = "+155512\(10_000 + index)"
            let masked = pseudonyms.text(number)
            #expect(masked.count == number.count && masked.hasPrefix("+1") && Address.isPossibleNumber(masked))
            #expect(seen.insert(masked).inserted)
        }
        #expect(pseudonyms.text("+4930123456").hasPrefix("+49"))
        #expect(pseudonyms.text("+35312345678").hasPrefix("+353"))
        #expect(pseudonyms.text("sip:Bob@example.com") == "sip:" + pseudonyms.text("bob@example.com"))
        #expect(pseudonyms.text("").isEmpty)
        #expect(throws: ToolError.self) { try Pseudonyms(key: [1, 2, 3]) }
    }

    @Test func theCommandsSayWhatIsWrong() async throws {
        let made = try Case(seed: 14)
        let directory = try TemporaryDirectory(inMemory: true)
        let target = made.targets[0].description
        let at = ["--data-dir", made.world.directory.path]
        #expect(await CarillonProgram.run(["log", "export"] + at) == 64)
        #expect(await CarillonProgram.run(["log", "export", "--target", "7"] + at) == 64)
        #expect(await CarillonProgram.run(["log", "export", "--target", target, "--mask"] + at) == 64)
        #expect(await CarillonProgram.run(["log", "export", "--target", made.world.newID().description] + at) == 1)
        #expect(await CarillonProgram.run(["log", "import", directory.file("none"), "--into", directory.path]) == 1)
        _ = FileManager.default.createFile(atPath: directory.file("wrong"), contents: Data("{}\n".utf8))
        #expect(await CarillonProgram.run(["log", "import", directory.file("wrong"), "--into", directory.path]) == 1)
        let bytes = try slice(.target(made.targets[0]), try made.world.logs())
        _ = FileManager.default.createFile(atPath: directory.file("case"), contents: Data(bytes))
        #expect(await CarillonProgram.run(["log", "import", directory.file("case"), "--into", directory.path]) == 0)
        #expect(await CarillonProgram.run(["log", "import", directory.file("case"), "--into", directory.path]) == 64)
        #expect(await CarillonProgram.run(["log", "verify", "--data-dir", directory.path]) == 0)
        #expect(
            await CarillonProgram.run(["log", "rebuild", "--data-dir", directory.path, "--into", directory.file("new")])
                == 0
        )
        #expect(await CarillonProgram.run(["log", "verify", "--data-dir", directory.file("new")]) == 0)
    }
}
