package import Contracts

extension RequestBody {
    /// The most windows of a plan.
    package static let windowLimit = 100
    /// The most holidays of a plan.
    package static let holidayLimit = 1000

    /// `current` with `calling_windows` and `holidays` put in: absent is kept, null or an empty array takes them away.
    func callingHours(_ current: CallingHours) throws(Refusal) -> CallingHours {
        CallingHours(
            windows: try callingWindows() ?? current.windows,
            holidays: try holidays() ?? current.holidays
        )
    }

    private func callingWindows() throws(Refusal) -> [CallingWindow]? {
        guard has("calling_windows") else { return nil }
        if json["calling_windows"].isNull { return [] }
        guard let given = json["calling_windows"].array else {
            throw .invalid("calling_windows", "must be an array of windows such as \(RequestBody.windowExample)")
        }
        guard given.count <= RequestBody.windowLimit else {
            throw .invalid("calling_windows", "must be at most \(RequestBody.windowLimit), not \(given.count)")
        }
        var windows: [CallingWindow] = []
        for (index, json) in given.enumerated() {
            windows.append(try RequestBody.window(json, field: "calling_windows[\(index)]"))
        }
        return windows
    }

    private static let windowExample = #"{"weekdays":[1,2,3,4,5],"from":"09:00","to":"20:00"}"#

    private static func window(_ json: JSONValue, field: String) throws(Refusal) -> CallingWindow {
        guard json.object != nil else { throw .invalid(field, "must be a window such as \(windowExample)") }
        let from = try minute(json["from"], field: "\(field).from")
        let to = try minute(json["to"], field: "\(field).to")
        guard from < CallingWindow.minutesOfDay else { throw .invalid("\(field).from", "must be from 00:00 to 23:59") }
        guard from != to else {
            throw .invalid("\(field).to", "must differ from its from; a whole day is 00:00 to 24:00")
        }
        guard let given = json["weekdays"].array, !given.isEmpty else {
            throw .invalid("\(field).weekdays", "must name days, 0 for Sunday to 6 for Saturday, or mon, tue and so on")
        }
        var weekdays: [Int] = []
        for (index, value) in given.enumerated() { weekdays.append(try weekday(value, "\(field).weekdays[\(index)]")) }
        return CallingWindow(weekdays: weekdays, from: from, to: to)
    }

    private static func minute(_ json: JSONValue, field: String) throws(Refusal) -> Int {
        guard let minute = json.string.flatMap(CallingWindow.minute) else {
            throw .invalid(field, "must be a time of day from 00:00 to 24:00, as in 09:00")
        }
        return minute
    }

    private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    private static func weekday(_ json: JSONValue, _ field: String) throws(Refusal) -> Int {
        if let number = json.integer, (0...6).contains(number) { return Int(number) }
        if let word = json.string?.lowercased(), let day = weekdayNames.firstIndex(of: word) { return day }
        throw .invalid(
            field,
            "must be 0 for Sunday to 6 for Saturday, or one of \(weekdayNames.joined(separator: ", "))"
        )
    }

    private func holidays() throws(Refusal) -> [CalendarDate]? {
        guard has("holidays") else { return nil }
        if json["holidays"].isNull { return [] }
        guard let given = json["holidays"].array else {
            throw .invalid("holidays", "must be an array of dates such as 2026-12-25")
        }
        guard given.count <= RequestBody.holidayLimit else {
            throw .invalid("holidays", "must be at most \(RequestBody.holidayLimit), not \(given.count)")
        }
        var dates: [CalendarDate] = []
        for (index, value) in given.enumerated() {
            // Calendars often come as objects with a name.
            let text = value.object == nil ? value.string : value["date"].string
            guard let date = text.flatMap(CalendarDate.init) else {
                throw .invalid("holidays[\(index)]", "must be a date that there is, as in 2026-12-25")
            }
            dates.append(date)
        }
        return dates
    }
}
