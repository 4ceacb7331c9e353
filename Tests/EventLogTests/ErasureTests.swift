import Contracts
import EventLog
import GRDB
import Testing

@Suite struct ErasureTests {
    let scratch = Scratch()

    private func occurrences(of text: String) -> Int {
        let files = ["", "-wal"].map { "'\(scratch.log)\($0)'" }.joined(separator: " ")
        run("sh", "-c", "cat \(files) 2>/dev/null | grep -a -o '\(text)' | wc -l > '\(scratch.path)/count'")
        return Int(contents(scratch.path + "/count").filter(\.isNumber)) ?? -1
    }

    /// Rows of all sizes, from a few bytes to several pages, among those of others.
    @Test(arguments: [10, 300, 3000, 20_000])
    func erasedDataIsGoneFromTheFiles(_ size: Int) throws {
        let log = try EventLogFile.open(path: scratch.log)
        for number: UInt64 in 0..<400 {
            let name = number % 10 == 3 ? "person" : "other"
            let text =
                "{\"name\":\"secret-\(name)\",\"text\":\"\(String(repeating: "x", count: Int(number) * size / 400))\"}"
            try log.turn { turn in
                _ = try turn.append([event(number, text)], to: name, expecting: .any, context: context)
            }
        }
        #expect(occurrences(of: "secret-person") >= 40)
        #expect(try log.turn { try $0.eraseData(of: "person") } == 40)
        #expect(occurrences(of: "secret-person") == 0)
        #expect(occurrences(of: "secret-other") == 360)
        try log.close()
        #expect(occurrences(of: "secret-person") == 0)
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
    }

    @Test func aReaderDelaysTheErasureFromTheWAL() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { turn in
            _ = try turn.append(
                [event(1, "{\"a\":\"secret-person\"}")],
                to: "person",
                expecting: .any,
                context: context
            )
        }
        let reader = try LogReader(path: scratch.log)
        try reader.read { db throws in
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM event") == 1)
            _ = try log.turn { try $0.eraseData(of: "person") }
            #expect(occurrences(of: "secret-person") > 0)
        }
        try log.maintain(isIdle: false)
        #expect(occurrences(of: "secret-person") == 0)
    }

    /// The row is emptied by an event of its own; then its old contents are nowhere in the files.
    @Test func anEmptiedRowIsGoneToo() throws {
        let log = try EventLogFile.open(path: scratch.log, schema: tallies.schema)
        let ids = (0..<500).map { ID(high: UInt64($0 + 1) << 32, low: 5) }
        for id in ids {
            try log.turn { turn throws in
                let owner = id == ids[250] ? "secret-person" : "somebody"
                var row = try tallies.record([.opened(owner: owner)], on: id, current: nil, context: context, in: turn)
                for amount: Int64 in 1...3 {
                    row = try tallies.record([.added(amount)], on: id, current: row, context: context, in: turn)
                }
            }
        }
        try log.turn { turn throws in
            let row = try #require(try tallies.load(ids[250], in: turn.database))
            _ = try tallies.record([.opened(owner: "-")], on: ids[250], current: row, context: context, in: turn)
            _ = try turn.eraseData(of: AggregateTable<Tally>.stream(of: ids[250]))
        }
        #expect(occurrences(of: "secret-person") == 0)
        try log.close()
        let report = try LogVerifier.verify(path: scratch.log, projections: [tallies])
        #expect(report.violations == [])
    }
}
