import Contracts
import OutdialDomain
import TestSupport
import Testing

/// When people may be called, in their own time.
@Suite struct CallingHoursTests {
    private static let weekdays = [1, 2, 3, 4, 5]

    private static func window(_ from: String, _ to: String, _ days: [Int] = [0, 1, 2, 3, 4, 5, 6]) -> CallingWindow {
        CallingWindow(weekdays: days, from: CallingWindow.minute(from) ?? 0, to: CallingWindow.minute(to) ?? 0)
    }

    private static func moment(_ text: String) throws -> Timestamp { try #require(Timestamp(parsing: text)) }

    /// The next opening at or after a moment in UTC, in UTC to the minute; "never".
    private func opening(
        _ windows: [CallingWindow],
        holidays: [String] = [],
        in zones: String...,
        at moment: String
    ) throws -> String {
        let hours = OpeningHours(CallingHours(windows: windows, holidays: holidays.compactMap { CalendarDate($0) }))
        let rules = try zones.map { try ZoneRulesTests.rules($0) }
        switch hours.verdict(at: try Self.moment(moment), in: rules) {
        case .open: return "open"
        case .closed(let until, _): return String(until.rfc3339.prefix(16))
        case .never: return "never"
        }
    }

    // MARK: - Whole days

    @Test func insideItIsOpenAndItsEndIsOutside() throws {
        let nine = [Self.window("09:00", "17:00", Self.weekdays)]
        // 2026-06-15 is a Monday; Berlin is two hours ahead.
        #expect(try opening(nine, in: "Europe/Berlin", at: "2026-06-15T07:00:00Z") == "open")
        #expect(try opening(nine, in: "Europe/Berlin", at: "2026-06-15T14:59:59.999999Z") == "open")
        #expect(try opening(nine, in: "Europe/Berlin", at: "2026-06-15T15:00:00Z") == "2026-06-16T07:00")
        #expect(try opening(nine, in: "Europe/Berlin", at: "2026-06-19T16:00:00Z") == "2026-06-22T07:00")
    }

    @Test func aWindowOverMidnightBelongsToTheDayOnWhichItBegins() throws {
        let night = [Self.window("22:00", "02:00", [5])]
        #expect(try opening(night, in: "UTC", at: "2026-06-20T01:59:00Z") == "open")
        #expect(try opening(night, in: "UTC", at: "2026-06-20T02:00:00Z") == "2026-06-26T22:00")
        #expect(try opening(night, in: "UTC", at: "2026-06-19T01:00:00Z") == "2026-06-19T22:00")
    }

    @Test func midnightCanBeginAndEndAWindow() throws {
        let wednesday = [Self.window("00:00", "24:00", [3])]
        #expect(try opening(wednesday, in: "Asia/Tokyo", at: "2026-06-16T14:59:59Z") == "2026-06-16T15:00")
        #expect(try opening(wednesday, in: "Asia/Tokyo", at: "2026-06-17T14:59:59Z") == "open")
        #expect(try opening(wednesday, in: "Asia/Tokyo", at: "2026-06-17T15:00:00Z") == "2026-06-23T15:00")
    }

    @Test func nobodyIsCalledOnAHoliday() throws {
        let nine = [Self.window("09:00", "17:00", Self.weekdays)]
        let easter = ["2026-04-03", "2026-04-06"]
        #expect(
            try opening(nine, holidays: easter, in: "Europe/Berlin", at: "2026-04-02T16:00:00Z") == "2026-04-07T07:00"
        )
        #expect(
            try opening([], holidays: ["2026-12-25"], in: "Europe/Berlin", at: "2026-12-25T10:00:00Z")
                == "2026-12-25T23:00"
        )
        // A window that begins on the day before goes on until midnight only.
        let night = [Self.window("22:00", "02:00")]
        #expect(
            try opening(night, holidays: ["2026-12-25"], in: "UTC", at: "2026-12-24T23:59:59Z") == "open"
        )
        #expect(
            try opening(night, holidays: ["2026-12-25"], in: "UTC", at: "2026-12-25T00:00:00Z") == "2026-12-26T00:00"
        )
    }

    @Test func aLeapDayIsADay() throws {
        #expect(
            try opening([], holidays: ["2028-02-29"], in: "UTC", at: "2028-02-29T00:00:00Z") == "2028-03-01T00:00"
        )
        #expect(CalendarDate("2027-02-29") == nil)
        #expect(CalendarDate("2028-02-29")?.weekday == 2)
    }

    // MARK: - Zones that are not whole hours

    @Test func halfHoursAndQuartersAreExact() throws {
        let nine = [Self.window("09:00", "17:00")]
        #expect(try opening(nine, in: "Asia/Kolkata", at: "2026-06-15T03:29:59Z") == "2026-06-15T03:30")
        #expect(try opening(nine, in: "Asia/Kathmandu", at: "2026-06-15T03:00:00Z") == "2026-06-15T03:15")
        #expect(try opening(nine, in: "Pacific/Chatham", at: "2026-06-15T20:00:00Z") == "2026-06-15T20:15")
    }

    // MARK: - Changes of the offset

    @Test func anHourThatIsLeftOutOpensNothing() throws {
        // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC. New York, 2026-03-08: at 07:00 UTC.
        let gap = [Self.window("02:00", "03:00")]
        #expect(try opening(gap, in: "Europe/Berlin", at: "2026-03-28T12:00:00Z") == "2026-03-30T00:00")
        #expect(try opening(gap, in: "America/New_York", at: "2026-03-07T12:00:00Z") == "2026-03-09T06:00")
        let half = [Self.window("02:30", "04:00")]
        #expect(try opening(half, in: "Europe/Berlin", at: "2026-03-28T12:00:00Z") == "2026-03-29T01:00")
    }

    @Test func anHourThatThereIsTwiceIsOpenTwice() throws {
        // Berlin, 2026-10-25: 02:00 to 03:00 at 00:00 UTC and again at 01:00 UTC.
        let early = [Self.window("02:15", "02:45")]
        #expect(try opening(early, in: "Europe/Berlin", at: "2026-10-25T00:00:00Z") == "2026-10-25T00:15")
        #expect(try opening(early, in: "Europe/Berlin", at: "2026-10-25T00:45:00Z") == "2026-10-25T01:15")
        #expect(try opening(early, in: "Europe/Berlin", at: "2026-10-25T01:45:00Z") == "2026-10-26T01:15")
        // New York, 2026-11-01: 01:00 to 02:00 at 05:00 UTC and again at 06:00 UTC.
        let first = [Self.window("01:00", "01:30")]
        #expect(try opening(first, in: "America/New_York", at: "2026-11-01T05:30:00Z") == "2026-11-01T06:00")
    }

    @Test func aChangeByHalfAnHourIsExact() throws {
        // Lord Howe, 2026-10-04: 02:00 becomes 02:30 at 15:30 UTC of the third; 2026-04-05: 02:00 becomes 01:30 again.
        let gap = [Self.window("02:00", "02:30")]
        #expect(try opening(gap, in: "Australia/Lord_Howe", at: "2026-10-03T10:00:00Z") == "2026-10-04T15:00")
        let fold = [Self.window("01:30", "02:00")]
        #expect(try opening(fold, in: "Australia/Lord_Howe", at: "2026-04-04T14:30:00Z") == "open")
        #expect(try opening(fold, in: "Australia/Lord_Howe", at: "2026-04-04T15:00:00Z") == "open")
        #expect(try opening(fold, in: "Australia/Lord_Howe", at: "2026-04-04T15:30:00Z") == "2026-04-05T15:00")
    }

    @Test func aDayThatAPlaceLeftOutIsNoDay() throws {
        // Apia skipped 2011-12-30: midnight of the 29th was midnight of the 31st.
        #expect(
            try opening([], holidays: ["2011-12-29", "2011-12-30"], in: "Pacific/Apia", at: "2011-12-29T12:00:00Z")
                == "2011-12-30T10:00"
        )
    }

    // MARK: - Several zones

    @Test func allZonesHaveToAllowIt() throws {
        let nine = [Self.window("09:00", "17:00")]
        let (west, east) = ("America/Los_Angeles", "America/New_York")
        #expect(try opening(nine, in: east, west, at: "2026-06-15T14:00:00Z") == "2026-06-15T16:00")
        #expect(try opening(nine, in: east, west, at: "2026-06-15T20:59:00Z") == "open")
        #expect(try opening(nine, in: east, west, at: "2026-06-15T21:00:00Z") == "2026-06-16T16:00")
        #expect(try opening([Self.window("09:00", "11:00")], in: east, west, at: "2026-06-15T14:00:00Z") == "never")
        #expect(
            try opening([Self.window("09:00", "10:00")], in: "UTC", "Asia/Kolkata", at: "2026-06-15T00:00:00Z")
                == "never"
        )
    }

    /// Against a walk minute by minute, with random windows, holidays, zones and moments.
    @Test func theNextOpeningIsTheFirstOpenMinute() throws {
        let seed: UInt64 = 4711
        var generator = SplitMix(seed: seed)
        let zones = [
            "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "UTC",
        ]
        for round in 0..<150 {
            func random(_ below: Int) -> Int { Int(generator.next() % UInt64(below)) }
            let windows = (0...random(3)).map { _ in
                let from = random(1440)
                return CallingWindow(
                    weekdays: (0...2).map { _ in random(7) },
                    from: from,
                    to: (from + 1 + random(1439)) % 1441
                )
            }.filter { $0.from != $0.to }
            // Around a change of the clocks.
            let start = (random(2) == 0 ? 1_774_746_000 : 1_792_890_000) + Int64(random(14 * 1440) - 7 * 1440) * 60
            let holidays = (0..<random(4)).map { _ in CalendarDate(day: start / 86_400 + Int64(random(8))) }
            let names = (0...random(2)).map { _ in zones[random(zones.count)] }
            let hours = OpeningHours(CallingHours(windows: windows, holidays: holidays))
            let rules = try names.map { try ZoneRulesTests.rules($0) }
            let verdict = hours.verdict(at: Timestamp(microseconds: start * 1_000_000), in: rules)
            let minutes = stride(from: start, to: start + 21 * 86_400, by: 60)
            let first = minutes.first { minute in rules.allSatisfy { hours.isOpen(at: minute, $0) } }
            let note: Comment = "seed \(seed) round \(round): \(windows) \(names) at \(start)"
            switch verdict {
            case .open(let until):
                #expect(first == start, note)
                let last = until.microseconds / 1_000_000 - 60
                #expect(rules.allSatisfy { hours.isOpen(at: last, $0) }, note)
            case .closed(let until, _):
                let second = until.microseconds / 1_000_000
                if second < start + 21 * 86_400 { #expect(first == second, note) } else { #expect(first == nil, note) }
            case .never: #expect(first == nil, note)
            }
        }
    }
}
