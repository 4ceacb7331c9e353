import Contracts

/// Changes of the offset that come every year, as the last line of a zone's file writes them: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// The text is that of the POSIX environment variable TZ with the extensions of RFC 9636: names in angle brackets, and
/// hours from -167 to 167. Its offsets count westwards; ours count eastwards.
struct YearlyRule: Hashable, Sendable {
    var standard: Int
    /// Nil for a zone without changes.
    var summer: Summer?

    struct Summer: Hashable, Sendable {
        var offset: Int
        var start: Change
        var end: Change
    }

    /// A day of each year, and the local time of day at which the offset changes, in seconds.
    struct Change: Hashable, Sendable {
        enum Day: Hashable, Sendable {
            /// `week` 1 to 5, 5 is the last one; `weekday` 0 is Sunday.
            case monthly(month: Int, week: Int, weekday: Int)
            /// 1 to 365; 29 February is never counted.
            case julian(Int)
            /// 0 to 365.
            case zeroBased(Int)
        }
        var day: Day
        var time: Int

        /// In seconds since 1970 on the clock that is in force until then.
        func local(in year: Int) -> Int64 {
            let first = CalendarDate(year: year, month: 1, day: 1)
            let date: Int64
            switch day {
            case .monthly(let month, let week, let weekday):
                let firstOfMonth = CalendarDate(year: year, month: month, day: 1)
                let toWeekday = (weekday - firstOfMonth.weekday + 7) % 7
                let firstOfNext =
                    month == 12
                    ? CalendarDate(year: year + 1, month: 1, day: 1)
                    : CalendarDate(year: year, month: month + 1, day: 1)
                var found = firstOfMonth.day + Int64(toWeekday + 7 * (week - 1))
                while found >= firstOfNext.day { found -= 7 }
                date = found
            case .julian(let number):
                let isLeap = CalendarDate(year: year, month: 3, day: 1).day - first.day == 60
                date = first.day + Int64(number - 1) + (isLeap && number >= 60 ? 1 : 0)
            case .zeroBased(let number): date = first.day + Int64(number)
            }
            return date * 86_400 + Int64(time)
        }
    }

    func offset(at second: Int64) -> Int {
        guard let summer else { return standard }
        // Enough years that each moment has a change before it.
        let before = changes(around: second).last { $0.at <= second }
        return before?.offset ?? summer.offset
    }

    func nextTransition(after second: Int64) -> Int64? {
        summer == nil ? nil : changes(around: second).first { $0.at > second }?.at
    }

    /// The changes from the year before to the year after, in order.
    private func changes(around second: Int64) -> [(at: Int64, offset: Int)] {
        guard let summer else { return [] }
        let year = CalendarDate(day: Int64((Double(second) / 86_400).rounded(.down))).year
        var found: [(at: Int64, offset: Int)] = []
        for year in (year - 1)...(year + 1) {
            found.append((summer.start.local(in: year) - Int64(standard), summer.offset))
            found.append((summer.end.local(in: year) - Int64(summer.offset), standard))
        }
        // Summer time all year long ends where it begins anew: the beginning wins.
        return found.sorted { $0.at == $1.at ? $0.offset == standard && $1.offset != standard : $0.at < $1.at }
    }
}

// MARK: - Reading

extension YearlyRule {
    /// Nil for what is no such rule.
    init?(_ text: String) {
        var scanner = RuleScanner(text)
        guard scanner.name(), let standard = scanner.time() else { return nil }
        self.standard = -standard
        guard !scanner.isAtEnd else { return }
        guard scanner.name() else { return nil }
        var summerOffset = self.standard + 3600
        if let next = scanner.peek, next != UInt8(ascii: ",") {
            guard let given = scanner.time() else { return nil }
            summerOffset = -given
        }
        guard scanner.skip(","), let start = scanner.change(), scanner.skip(","), let end = scanner.change(),
            scanner.isAtEnd
        else { return nil }
        summer = Summer(offset: summerOffset, start: start, end: end)
    }
}

private struct RuleScanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    var isAtEnd: Bool { rest.isEmpty }
    var peek: UInt8? { rest.first }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// The name of a kind of time: letters, or anything in angle brackets.
    mutating func name() -> Bool {
        if skip("<") {
            while let next = rest.popFirst(), next != UInt8(ascii: ">") {}
            return true
        }
        let letters = rest.prefix { (65...90).contains($0) || (97...122).contains($0) }
        rest.removeFirst(letters.count)
        return letters.count >= 3
    }

    mutating func number() -> Int? {
        let digits = rest.prefix { (48...57).contains($0) }
        guard (1...4).contains(digits.count) else { return nil }
        rest.removeFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    }

    /// `hh[:mm[:ss]]` with a sign or without, in seconds.
    mutating func time() -> Int? {
        let isNegative = skip("-")
        if !isNegative { _ = skip("+") }
        guard let hours = number() else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where skip(":") {
            guard let part = number() else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    mutating func change() -> YearlyRule.Change? {
        let day: YearlyRule.Change.Day
        if skip("M") {
            guard let month = number(), skip("."), let week = number(), skip("."), let weekday = number(),
                (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday)
            else { return nil }
            day = .monthly(month: month, week: week, weekday: weekday)
        } else if skip("J") {
            guard let number = number(), (1...365).contains(number) else { return nil }
            day = .julian(number)
        } else {
            guard let number = number(), number <= 365 else { return nil }
            day = .zeroBased(number)
        }
        guard skip("/") else { return YearlyRule.Change(day: day, time: 7200) }
        return time().map { YearlyRule.Change(day: day, time: $0) }
    }
}
