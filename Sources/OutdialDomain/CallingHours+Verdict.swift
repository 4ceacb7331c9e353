package import Contracts

/// Whether people may be called at a moment, and until when that stays so.
package enum CallingVerdict: Hashable, Sendable {
    /// At least until then.
    case open(until: Timestamp)
    /// Until then, and then it is open; `zone` is the place, by its index, that opens last.
    case closed(until: Timestamp, zone: Int)
    /// In the next year and as long as the holidays last there is no moment that all zones allow.
    case never
}

/// Calling hours made ready for being asked often.
package struct OpeningHours: Sendable {
    package let hours: CallingHours
    /// The seconds of a local day at which something may change, rising; midnight is the last.
    private let marks: [Int]
    private let holidays: Set<Int64>

    private static let day: Int64 = 86_400

    package init(_ hours: CallingHours) {
        self.hours = hours
        holidays = Set(hours.holidays.map(\.day))
        let edges = hours.windows.flatMap { [$0.from * 60, $0.to * 60] }
        marks = Set(edges + [Int(OpeningHours.day)]).filter { $0 > 0 }.sorted()
    }

    /// Whether it is open at `now` in all of `zones`, and the next moment at which it is otherwise.
    ///
    /// Exact across changes of the offset: an hour that there is twice is open twice, one that is left out opens nothing.
    package func verdict(at now: Timestamp, in zones: [ZoneRules]) -> CallingVerdict {
        let start = Int64((Double(now.microseconds) / 1_000_000).rounded(.down))
        guard !zones.isEmpty else { return .never }
        if zones.allSatisfy({ isOpen(at: start, $0) }) {
            let end = zones.map { closing(after: start, $0) }.min() ?? start
            return .open(until: OpeningHours.moment(end))
        }
        let limit = start + (400 + 8 * Int64(holidays.count)) * OpeningHours.day
        var (second, lastToOpen) = (start, 0)
        var isMoving = true
        while isMoving {
            isMoving = false
            for (index, zone) in zones.enumerated() {
                guard let opening = opening(from: second, zone, limit: limit) else { return .never }
                guard opening > second else { continue }
                (second, lastToOpen, isMoving) = (opening, index, true)
            }
        }
        return .closed(until: OpeningHours.moment(second), zone: lastToOpen)
    }

    /// Whether it is open in one zone.
    package func isOpen(at second: Int64, _ zone: ZoneRules) -> Bool {
        let (date, secondOfDay) = OpeningHours.local(second, zone)
        guard !holidays.contains(date.day) else { return false }
        return hours.windows.isEmpty
            || hours.windows.contains { $0.contains(weekday: date.weekday, second: secondOfDay) }
    }

    /// The first open second that is not before `second`; nil when there is none up to `limit`.
    private func opening(from second: Int64, _ zone: ZoneRules, limit: Int64) -> Int64? {
        var second = second
        while !isOpen(at: second, zone) {
            second = change(after: second, zone)
            if second > limit { return nil }
        }
        return second
    }

    /// The end of the open time that `second` is in, or a moment two days later.
    private func closing(after second: Int64, _ zone: ZoneRules) -> Int64 {
        let limit = second + 2 * OpeningHours.day
        var second = second
        while second < limit, isOpen(at: second, zone) { second = change(after: second, zone) }
        return second
    }

    /// The next second at which it may open or close: an edge of a window, midnight, or a change of the offset.
    private func change(after second: Int64, _ zone: ZoneRules) -> Int64 {
        let (_, secondOfDay) = OpeningHours.local(second, zone)
        let mark = marks.first { $0 > secondOfDay } ?? Int(OpeningHours.day)
        let next = second + Int64(mark - secondOfDay)
        return min(next, zone.nextTransition(after: second) ?? next)
    }

    private static func local(_ second: Int64, _ zone: ZoneRules) -> (CalendarDate, Int) {
        let local = second + Int64(zone.offset(at: second))
        let secondOfDay = (local % day + day) % day
        return (CalendarDate(day: (local - secondOfDay) / day), Int(secondOfDay))
    }

    private static func moment(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000) }
}
