/// A moment: microseconds since 1970-01-01 00:00:00 UTC.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    package static func + (left: Timestamp, milliseconds: Milliseconds) -> Timestamp {
        Timestamp(microseconds: left.microseconds + milliseconds.count * 1000)
    }

    /// The milliseconds from `right` to `left`, rounded towards zero.
    package static func - (left: Timestamp, right: Timestamp) -> Milliseconds {
        Milliseconds((left.microseconds - right.microseconds) / 1000)
    }
}

/// A length of time in milliseconds, the unit of the public API.
package struct Milliseconds: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
    package var count: Int64

    package init(_ count: Int64) { self.count = count }
    package init(integerLiteral count: Int64) { self.count = count }
    package static func seconds(_ count: Int64) -> Milliseconds { Milliseconds(count * 1000) }

    package static func < (left: Milliseconds, right: Milliseconds) -> Bool { left.count < right.count }
    package static func + (left: Milliseconds, right: Milliseconds) -> Milliseconds {
        Milliseconds(left.count + right.count)
    }
}

/// How times are written in public answers.
package enum TimeFormat: String, Sendable, CaseIterable {
    /// `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, and `9999-01-01 00:00:00.000000` for "never".
    case documented
    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, and null for "never".
    case rfc3339
}

extension Timestamp {
    /// The documents' "never": not deleted, never updated.
    package static let never = Timestamp(documented: 9999, 1, 1)

    private init(documented year: Int, _ month: Int, _ day: Int) {
        self.init(microseconds: Timestamp.days(year: year, month: month, day: day) * 86_400_000_000)
    }

    /// The text in the documents' form: `2022-04-28 02:16:39.712142`.
    package var documented: String { text(separator: UInt8(ascii: " "), zulu: false) }

    /// The text as RFC 3339 in UTC with six fractional digits: `2022-04-28T02:16:39.712142Z`.
    package var rfc3339: String { text(separator: UInt8(ascii: "T"), zulu: true) }

    /// Parses any form seen in the field: `T` or a space, zero to nine fractional digits, `Z`, an offset, or nothing (UTC).
    package init?(parsing text: some StringProtocol) {
        var scanner = DigitScanner(Array(text.utf8))
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
            let day = scanner.number(2), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var seconds = Timestamp.days(year: year, month: month, day: day) * 86_400
        var fraction: Int64 = 0
        if scanner.skip("T") || scanner.skip("t") || scanner.skip(" ") {
            guard let hour = scanner.number(2), scanner.skip(":"), let minute = scanner.number(2), scanner.skip(":"),
                let second = scanner.number(2), hour < 24, minute < 60, second < 61
            else { return nil }
            seconds += Int64(hour * 3600 + minute * 60 + second)
            if scanner.skip(".") {
                guard let parsed = scanner.fraction() else { return nil }
                fraction = parsed
            }
            guard let offset = scanner.offset() else { return nil }
            seconds -= offset
        }
        guard scanner.isAtEnd else { return nil }
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    private func text(separator: UInt8, zulu: Bool) -> String {
        let microsecondsOfDay = ((microseconds % 86_400_000_000) + 86_400_000_000) % 86_400_000_000
        let (year, month, day) = Timestamp.civil(days: (microseconds - microsecondsOfDay) / 86_400_000_000)
        let secondsOfDay = Int(microsecondsOfDay / 1_000_000)
        return String(unsafeUninitializedCapacity: 27) { buffer in
            func put(_ value: Int, _ digits: Int, at offset: Int) {
                var rest = value
                for index in stride(from: offset + digits - 1, through: offset, by: -1) {
                    buffer[index] = 48 + UInt8(rest % 10)
                    rest /= 10
                }
            }
            for (offset, byte) in [
                (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, separator), (13, UInt8(ascii: ":")),
                (16, UInt8(ascii: ":")), (19, UInt8(ascii: ".")),
            ] { buffer[offset] = byte }
            put(year, 4, at: 0)
            put(month, 2, at: 5)
            put(day, 2, at: 8)
            put(secondsOfDay / 3600, 2, at: 11)
            put(secondsOfDay / 60 % 60, 2, at: 14)
            put(secondsOfDay % 60, 2, at: 17)
            put(Int(microsecondsOfDay % 1_000_000), 6, at: 20)
            if zulu { buffer[26] = UInt8(ascii: "Z") }
            return zulu ? 27 : 26
        }
    }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
    /// Low-Level Date Algorithms", days_from_civil).
    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    /// The date of a day number (the inverse: civil_from_days of the same source).
    static func civil(days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}

extension Timestamp: CustomStringConvertible {
    package var description: String { rfc3339 }
}

/// Walks over the digits of a time's text.
private struct DigitScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(_ digits: Int) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + digits] {
            guard (48...57).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        position += digits
        return value
    }

    /// One to nine fractional digits as microseconds.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var digits = 0
        while position < bytes.count, (48...57).contains(bytes[position]), digits < 9 {
            if digits < 6 { value = value * 10 + Int64(bytes[position] - 48) }
            digits += 1
            position += 1
        }
        guard digits > 0 else { return nil }
        for _ in 0..<max(0, 6 - digits) { value *= 10 }
        return value
    }

    /// `Z`, `+hh:mm`, `-hh:mm` or nothing, as seconds east of UTC.
    mutating func offset() -> Int64? {
        if isAtEnd || skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(2), skip(":"), let minutes = number(2) else { return nil }
        return sign * Int64(hours * 3600 + minutes * 60)
    }
}
