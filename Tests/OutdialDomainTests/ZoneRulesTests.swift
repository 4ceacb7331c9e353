import Contracts
import Foundation
import OutdialDomain
import TestSupport
import Testing

/// The rules of time zones against Foundation, which reads the same files with other code, and against python's zoneinfo.
@Suite struct ZoneRulesTests {
    static func rules(_ name: String) throws -> ZoneRules {
        let bytes = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))
        return try ZoneRules(file: [UInt8](bytes))
    }

    private static let names = [
        "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Dublin",
        "Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia", "Antarctica/Troll", "America/St_Johns", "Asia/Gaza",
        "Asia/Tehran", "Pacific/Chatham", "Etc/GMT-14", "UTC", "America/Nuuk", "Africa/Cairo",
    ]

    @Test func offsetsAreThoseOfFoundationAtThousandsOfMoments() throws {
        var generator = SplitMix(seed: 77)
        for name in Self.names {
            let rules = try Self.rules(name)
            let zone = try #require(TimeZone(identifier: name))
            for _ in 0..<400 {
                // 1970 to 2037: beyond, Foundation does not read the last line of the file.
                let second = Int64(generator.next() % 2_114_380_800)
                let expected = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
                #expect(rules.offset(at: second) == expected, "\(name) at \(second)")
            }
        }
    }

    @Test func offsetsAreThoseOfZoneinfoUntilTheYear2400() throws {
        var generator = SplitMix(seed: 78)
        let moments = (0..<600).map { _ in Int64(generator.next() % 13_569_465_600) - 1_000_000_000 }
        let script = """
            import sys, datetime, zoneinfo
            names, moments = sys.argv[1].split(), [int(text) for text in sys.argv[2].split()]
            epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
            for name in names:
                zone = zoneinfo.ZoneInfo(name)
                print(*[int((epoch + datetime.timedelta(seconds=s)).astimezone(zone).utcoffset().total_seconds()) for s in moments])
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [
            "-c", script, Self.names.joined(separator: " "), moments.map(String.init).joined(separator: " "),
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n")
        process.waitUntilExit()
        #expect(lines.count == Self.names.count)
        for (name, line) in zip(Self.names, lines) {
            let rules = try Self.rules(name)
            let offsets = line.split(separator: " ").compactMap { Int($0) }
            let differing = zip(moments, offsets).filter { rules.offset(at: $0) != $1 }
            #expect(differing.isEmpty, "\(name) at \(differing.first?.0 ?? 0)")
            #expect(offsets.count == moments.count)
        }
    }

    @Test func aChangeOfTheOffsetIsFoundToTheSecond() throws {
        let berlin = try Self.rules("Europe/Berlin")
        // 2026-03-29 01:00:00 UTC and 2026-10-25 01:00:00 UTC; the rule of the last line finds those of 2080, too.
        #expect(berlin.nextTransition(after: 1_767_225_600) == 1_774_746_000)
        #expect(berlin.nextTransition(after: 1_774_746_000) == 1_792_890_000)
        let far = try #require(berlin.nextTransition(after: 3_471_292_800))
        #expect(berlin.offset(at: far - 1) == 3600)
        #expect(berlin.offset(at: far) == 7200)
        #expect(try Self.rules("Asia/Kolkata").nextTransition(after: 0) == nil)
    }

    @Test func whatIsNoZoneFileIsRefused() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/Europe/Berlin")))
        #expect(throws: ZoneFileError.self) { try ZoneRules(file: []) }
        #expect(throws: ZoneFileError.self) { try ZoneRules(file: Array("no zone file at all, only text".utf8)) }
        for length in stride(from: 4, to: bytes.count, by: 97) {
            #expect(throws: ZoneFileError.self) { try ZoneRules(file: Array(bytes.prefix(length))) }
        }
    }

    // MARK: - Zones of numbers

    @Test func theLongestPrefixDecides() {
        #expect(NumberZones.zones(of: "+4930123456") == ["Europe/Berlin"])
        #expect(NumberZones.zones(of: "+12125550100") == ["America/New_York"])
        #expect(NumberZones.zones(of: "+12085550100").contains("America/Boise"))
        #expect(NumberZones.zones(of: "+9779812345678") == ["Asia/Katmandu"])
        // A free number may ring anywhere in its country.
        #expect(NumberZones.zones(of: "+18005550100").count > 30)
        #expect(NumberZones.zones(of: "+80012345678").isEmpty)
        #expect(NumberZones.zones(of: "sip:ann@example.com").isEmpty)
    }

    @Test func everyZoneOfTheTableHasItsFile() throws {
        #expect(NumberZones.prefixCount == 3240)
        for name in NumberZones.allZones { #expect(throws: Never.self) { try Self.rules(name) } }
    }
}
