/// When people may be called: the windows of the week, and the days on which nobody is. In local time, of whatever place.
package struct CallingHours: Hashable, Sendable {
    /// None stands for any time of the week.
    package var windows: [CallingWindow]
    /// Local dates on which nobody is called, in order, each once.
    package var holidays: [CalendarDate]

    package static let always = CallingHours()

    package init(windows: [CallingWindow] = [], holidays: [CalendarDate] = []) {
        self.windows = windows
        self.holidays = Set(holidays).sorted()
    }

    /// Whether nobody needs to know what time it is where the person is.
    package var isAlways: Bool { windows.isEmpty && holidays.isEmpty }
}

/// A stretch of some days of the week. One that ends before it begins goes on past midnight: its days are those on which
/// it begins.
package struct CallingWindow: Hashable, Sendable {
    /// Bit 0 is Sunday, bit 6 Saturday.
    package var weekdayBits: UInt8
    /// The first minute of the day, 0 to 1439.
    package var from: Int
    /// The minute that ends it, 0 to 1440, not the same as `from`.
    package var to: Int

    package static let minutesOfDay = 1440

    /// - Parameter weekdays: 0 is Sunday, 6 Saturday.
    package init(weekdays: [Int], from: Int, to: Int) {
        weekdayBits = weekdays.reduce(0) { $0 | 1 << UInt8($1) }
        self.from = from
        self.to = to
    }

    /// 0 is Sunday, 6 Saturday; in order.
    package var weekdays: [Int] { (0...6).filter { weekdayBits & 1 << UInt8($0) != 0 } }

    /// Whether it is open in the given second of a day of the week.
    package func contains(weekday: Int, second: Int) -> Bool {
        let begins = weekdayBits & 1 << UInt8(weekday) != 0
        if from < to { return begins && second >= from * 60 && second < to * 60 }
        let beganYesterday = weekdayBits & 1 << UInt8((weekday + 6) % 7) != 0
        return begins && second >= from * 60 || beganYesterday && second < to * 60
    }

    /// The minute of the day that `HH:MM` names, `24:00` included; nil for anything else.
    package static func minute(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [0, 1, 3, 4].map { Int(bytes[$0]) - 48 }
        guard digits.allSatisfy((0...9).contains) else { return nil }
        let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard hour < 24 && minute < 60 || hour == 24 && minute == 0 else { return nil }
        return hour * 60 + minute
    }

    /// The minute of the day as `HH:MM`.
    package static func text(_ minute: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return two(minute / 60) + ":" + two(minute % 60)
    }
}

/// A date of the proleptic Gregorian calendar, wherever it is.
package struct CalendarDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    package let day: Int64

    package init(day: Int64) { self.day = day }

    /// Reads `YYYY-MM-DD`; nil for anything else, and for a date that there is not.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            bytes[range].reduce(0) { sum, byte in
                guard let sum, (48...57).contains(byte) else { return nil }
                return sum * 10 + Int(byte - 48)
            }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), (1...12).contains(month),
            (1...31).contains(day)
        else { return nil }
        self.init(day: Timestamp.days(year: year, month: month, day: day))
        guard Timestamp.civil(days: self.day) == (year, month, day) else { return nil }
    }

    package init(year: Int, month: Int, day: Int) {
        self.init(day: Timestamp.days(year: year, month: month, day: day))
    }

    package var year: Int { Timestamp.civil(days: day).year }

    /// 0 is Sunday, 6 Saturday.
    package var weekday: Int { Int(((day + 4) % 7 + 7) % 7) }

    package static func < (left: CalendarDate, right: CalendarDate) -> Bool { left.day < right.day }

    package var description: String { String(Timestamp(microseconds: day * 86_400_000_000).rfc3339.prefix(10)) }
}

// MARK: - On the wire

extension CallingHours {
    /// The two members, left out when they are empty, as in documents of earlier versions.
    package func append(to object: inout JSONObject) {
        if !windows.isEmpty { object.append("calling_windows", .array(windows.map(\.json))) }
        if !holidays.isEmpty { object.append("holidays", .array(holidays.map { .string($0.description) })) }
    }

    /// Reads the two members of an object.
    package init(json: JSONValue) throws(JSONError) {
        var windows: [CallingWindow] = []
        for window in json["calling_windows"].array ?? [] { windows.append(try CallingWindow(json: window)) }
        var holidays: [CalendarDate] = []
        for holiday in json["holidays"].array ?? [] {
            guard let date = holiday.string.flatMap(CalendarDate.init) else {
                throw JSONError("holidays must be dates")
            }
            holidays.append(date)
        }
        self.init(windows: windows, holidays: holidays)
    }
}

extension CallingWindow {
    package var json: JSONValue {
        [
            "weekdays": .array(weekdays.map { .integer($0) }), "from": .string(CallingWindow.text(from)),
            "to": .string(CallingWindow.text(to)),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        let weekdays = try json.requireArray("weekdays").compactMap { $0.integer.map(Int.init) }
        guard weekdays.allSatisfy((0...6).contains) else { throw JSONError("weekdays must be 0 to 6") }
        guard let from = CallingWindow.minute(try json.requireString("from")),
            let to = CallingWindow.minute(try json.requireString("to"))
        else { throw JSONError("from and to must be times of day, as in 09:00") }
        self.init(weekdays: weekdays, from: from, to: to)
    }
}
