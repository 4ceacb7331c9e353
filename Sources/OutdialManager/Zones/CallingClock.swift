package import Contracts
package import OutdialDomain

/// Says whether people may be called where they are. Each place is worked out once for as long as the answer holds, so
/// that a million people of one city cost as much as one.
///
/// What it remembers can be lost without harm.
package final class CallingClock {
    private let zones: ZoneFiles
    private var books: [CallingHours: HourBook] = [:]
    private static let bookLimit = 64

    package init(zones: ZoneFiles) { self.zones = zones }

    package func book(of hours: CallingHours) -> HourBook {
        if let book = books[hours] { return book }
        if books.count >= CallingClock.bookLimit { books.removeAll() }
        let book = HourBook(hours, zones)
        books[hours] = book
        return book
    }
}

extension Lease {
    /// As the claimant is told of it: under calling hours its call has to be placed in the time that was looked at, however
    /// late it is told.
    func limited(by plan: DialPlan?) -> Lease {
        guard let plan, !plan.hours.isAlways else { return self }
        var lease = self
        lease.startBy = attempt.moment + HourBook.placingTime
        return lease
    }
}

/// The answers of one plan's hours.
package final class HourBook {
    private struct Answer {
        var opening: DialingConditions.Opening
        var from: Timestamp
        var until: Timestamp

        func holds(at now: Timestamp) -> Bool {
            opening == .open ? now + HourBook.placingTime <= until : now < until
        }
    }

    private let hours: OpeningHours
    private let zones: ZoneFiles
    private var answers: [CallingPlace: Answer] = [:]

    /// A call may be placed so long after its lease (campaign-manager's `start_by`): who could be called for less is not.
    static let placingTime: Milliseconds = 30_000

    init(_ hours: CallingHours, _ zones: ZoneFiles) {
        self.hours = OpeningHours(hours)
        self.zones = zones
    }

    package func opening(for target: Target, at destination: Address, now: Timestamp) -> DialingConditions.Opening {
        if hours.hours.isAlways { return .open }
        let place = target.place(of: destination)
        if let answer = answers[place], answer.from <= now, answer.holds(at: now) { return answer.opening }
        let answer = answer(for: place, now)
        answers[place] = answer
        return answer.opening
    }

    private func answer(for place: CallingPlace, _ now: Timestamp) -> Answer {
        let names = place.zones
        let rules = names.compactMap(zones.rules)
        guard !names.isEmpty, rules.count == names.count else {
            return Answer(opening: .unknownZone, from: now, until: .endOfTime)
        }
        var verdict = hours.verdict(at: now, in: rules)
        if case .open(let until) = verdict, until < now + HourBook.placingTime {
            verdict = hours.verdict(at: until, in: rules)
        }
        switch verdict {
        case .open(let until): return Answer(opening: .open, from: now, until: until)
        case .closed(let until, let zone):
            return Answer(opening: .closed(until: until, zone: names[zone]), from: now, until: until)
        case .never: return Answer(opening: .never, from: now, until: now + .seconds(86_400))
        }
    }
}
