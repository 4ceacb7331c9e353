import Foundation
import Testing

@testable import CarillonTool

@Suite struct SupervisionTests {
    @Test func aProgramThatKeepsDyingWaitsLongerEachTime() {
        var backoff = RestartBackoff()
        let delays = (0..<6).map { _ in backoff.delay(afterLifetime: .seconds(1)) }
        #expect(delays == [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(8)])
    }

    @Test func aLongLifeIsFollowedByARestartAtOnce() {
        var backoff = RestartBackoff()
        for _ in 0..<4 { _ = backoff.delay(afterLifetime: .seconds(1)) }
        #expect(backoff.delay(afterLifetime: .seconds(10)) == .zero)
    }

    @Test func theLastMessageOfALogIsFound() {
        #expect(LogTail.message(in: "one\ntwo\n\n") == "two")
        #expect(
            LogTail.message(in: "{\"level\":\"error\",\"message\":\"no such key: answr\"}\n") == "no such key: answr"
        )
        #expect(LogTail.message(in: "") == nil)
    }

    @Test func portsThatAreTakenAreReplacedAndTheNameStays() {
        var settings = BrokerSettings.makeNew()
        let before = settings
        settings.replaceTakenPorts { $0 != before.port }
        #expect(settings.port != before.port)
        #expect(settings.epmdPort == before.epmdPort)
        #expect(settings.nodeName == before.nodeName)
    }

    @Test func aSecondUpOnOneDirectoryIsRefused() throws {
        let path = NSTemporaryDirectory() + "carillon-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try DataDirectory(path: path)
        #expect(throws: ToolError.self) { try DataDirectory(path: path) }
        withExtendedLifetime(first) {}
    }

    @Test func aFileIsNoDataDirectory() throws {
        let path = NSTemporaryDirectory() + "carillon-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "text".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: ToolError.self) { try DataDirectory(path: path) }
    }
}
