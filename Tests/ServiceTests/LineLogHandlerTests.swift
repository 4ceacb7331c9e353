import Contracts
import Logging
import Testing

@testable import Service

@Suite struct LineLogHandlerTests {
    private func line(_ format: LogFormat, _ body: (Logger) -> Void) -> String {
        let written = Locked<[UInt8]>([])
        var logger = Logger(label: "t") { _ in
            LineLogHandler(
                daemon: "worker",
                format: format,
                level: .info,
                clock: { Timestamp(microseconds: 1_767_225_600_000_000) },
                write: { line in written.withLock { $0 += line } }
            )
        }
        logger[metadataKey: "own"] = "1"
        body(logger)
        return String(decoding: written.value, as: UTF8.self)
    }

    private func said(_ format: LogFormat) -> String {
        line(format) { $0.warning("two words", metadata: ["b": "x y", "a": "plain"]) }
    }

    @Test func textIsForPeople() {
        #expect(said(.text) == "2026-01-01T00:00:00.000000Z warning worker: two words a=plain b=\"x y\" own=1\n")
    }

    @Test func jsonIsOneObject() throws {
        let json = try JSONValue(parsing: Array(said(.json).utf8.dropLast()))
        #expect(json["message"].string == "two words")
        #expect(json["level"].string == "warning")
        #expect(json["daemon"].string == "worker")
        #expect(json["b"].string == "x y")
        #expect(json["own"].string == "1")
    }

    @Test func theJournalGetsThePriority() {
        #expect(said(.journal) == "<4>two words a=plain b=\"x y\" own=1\n")
    }

    @Test(arguments: LogFormat.allCases)
    func nothingForgesALine(format: LogFormat) {
        let forged = "x\n<0>forged\r\u{2028}\u{85}\u{1B}[31m"
        let text = line(format) { $0.info("\(forged)", metadata: ["k\ney": "\(forged)", "other": "\(forged)"]) }
        #expect(text.unicodeScalars.filter { $0 == "\n" }.count == 1)
        #expect(text.hasSuffix("\n"))
        #expect(!text.contains("\r"))
        if format != .json {
            #expect(!text.contains("\u{1B}") && !text.contains("\u{2028}") && !text.contains("\u{85}"))
        }
    }

    @Test func metadataDoesNotReplaceOwnFields() throws {
        let text = line(.json) {
            $0.info("real", metadata: ["message": "m", "time": "t", "level": "l", "daemon": "d"])
        }
        let json = try JSONValue(parsing: Array(text.utf8.dropLast()))
        #expect(json["message"].string == "real")
        #expect(json["daemon"].string == "worker")
        #expect(json["level"].string == "info")
        #expect(json["_message"].string == "m")
    }

    @Test func theErrorOfAnEventIsKept() {
        let text = line(.text) { $0.error("failed", error: StartupError("no way")) }
        #expect(text.hasSuffix("failed error=\"no way\" own=1\n"), "\(text)")
    }
}
