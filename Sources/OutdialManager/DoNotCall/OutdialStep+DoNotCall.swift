import Contracts
import EventLog
import GRDB
import OutdialDomain

/// Do-not-call lists: what requests and people on the phone change of them.
extension OutdialStep {
    typealias LoadedList = AggregateTable<DNCList>.Loaded

    mutating func performList(_ request: Request, _ context: EventContext) throws -> JSONValue {
        if request.method == "dnclist.create" { return try createList(request, context) }
        let list = try requireList(request)
        switch request.method {
        case "dnclist.update":
            return try record(try list.state.update(body: try RequestBody(request.params["body"])), on: list, context)
                .state.resource
        case "dnclist.delete": return try record(try list.state.delete(), on: list, context).state.resource
        case "dnclist.add": return try addNumbers(request, to: list, context)
        case "dnclist.remove": return try removeNumber(request, from: list, context)
        case "dnclist.import": return try importNumbers(request, to: list, context)
        default: throw Refusal(.unknown, "METHOD_UNKNOWN", "outdial-manager does not know \(request.method)")
        }
    }

    @discardableResult
    private func record(_ events: [DNCListEvent], on list: LoadedList, _ context: EventContext) throws -> LoadedList {
        guard !events.isEmpty else { return list }
        return try OutdialTables.dncLists.record(events, on: list.id, current: list, context: context, in: turn)
    }

    /// One of the customer's own; one of the installation for its operators only.
    private func requireList(_ request: Request) throws -> LoadedList {
        let id = try request.params.requireID("id")
        guard let list = try OutdialTables.dncLists.load(id, in: turn), list.state.isVisible(to: request),
            list.state.deletedAt == nil
        else { throw Refusal.notFound("DNCLIST_NOT_FOUND", "there is no do-not-call list \(id)") }
        return list
    }

    private func createList(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        if let known = try OutdialTables.dncLists.load(id, in: turn), known.state.isVisible(to: request) {
            return known.state.resource
        }
        let body = try RequestBody(request.params["body"])
        let customer = try body.isGlobalList(request) ? ID.none : request.customerID
        let events = try DNCList.create(id: id, customer: customer, body: body)
        let existing = try Int.fetchOne(
            db,
            sql: "SELECT count(*) FROM dnclist WHERE customer_id = ? AND is_deleted = 0",
            arguments: [customer]
        )
        guard existing ?? 0 < DNCList.limit else {
            throw Refusal.state("there are \(DNCList.limit) do-not-call lists already; delete one first")
        }
        return try OutdialTables.dncLists.record(events, on: id, current: nil, context: context, in: turn).state
            .resource
    }

    // MARK: - Numbers

    private mutating func addNumbers(
        _ request: Request,
        to list: LoadedList,
        _ context: EventContext
    ) throws -> JSONValue {
        let body = try RequestBody(request.params["body"])
        let numbers = try body.dncNumbers()
        let origin = DNCNumber.Origin(source: .api, reason: try body.text("reason") ?? "")
        let changed = try add(numbers, to: list, origin, context)
        let added = changed.state.numbers - list.state.numbers
        return [
            "added": .integer(added), "duplicates": .integer(Int64(numbers.count) - added),
            "version": .integer(changed.state.version),
        ]
    }

    /// Puts those of `numbers` on the list that are not on it.
    @discardableResult
    private mutating func add(
        _ numbers: [String],
        to list: LoadedList,
        _ origin: DNCNumber.Origin,
        _ context: EventContext
    ) throws -> LoadedList {
        var added: Int64 = 0
        for number in numbers where try add(number, to: list.state, origin, context) { added += 1 }
        return try record(list.state.change(added: added, removed: 0), on: list, context)
    }

    /// False when the list has it.
    private mutating func add(
        _ number: String,
        to list: DNCList,
        _ origin: DNCNumber.Origin,
        _ context: EventContext
    ) throws -> Bool {
        let id = DNCNumber.id(of: number, on: list.id)
        let known = try OutdialTables.dncNumbers.load(id, in: turn)
        guard known == nil || known?.state.deletedAt != nil else { return false }
        let moment = stamps.next(at: turn.now)
        let event = DNCNumberEvent.added(
            list: list.id,
            customer: list.customer,
            number: number,
            origin: origin,
            at: moment
        )
        _ = try OutdialTables.dncNumbers.record([event], on: id, current: known, context: context, in: turn)
        return true
    }

    private func removeNumber(
        _ request: Request,
        from list: LoadedList,
        _ context: EventContext
    ) throws -> JSONValue {
        // What is no number cannot be on it either.
        let number = try? DialedNumber.read(try request.params.requireString("number"), field: "number")
        let id = DNCNumber.id(of: number ?? "", on: list.id)
        guard let known = try OutdialTables.dncNumbers.load(id, in: turn), known.state.deletedAt == nil else {
            throw Refusal.notFound("DNCNUMBER_NOT_FOUND", "the number is not on this do-not-call list")
        }
        let removed = try OutdialTables.dncNumbers.record(
            [.removed],
            on: id,
            current: known,
            context: context,
            in: turn
        )
        try record(list.state.change(added: 0, removed: 1), on: list, context)
        return removed.state.resource
    }

    /// One slice of an import: rows with a `number`, and perhaps a `reason`.
    private mutating func importNumbers(
        _ request: Request,
        to list: LoadedList,
        _ context: EventContext
    ) throws -> JSONValue {
        var (imported, duplicates): (Int64, Int64) = (0, 0)
        var errors: [JSONValue] = []
        for row in try request.params.requireArray("rows") {
            let values = row["values"]
            let text = values["number"].string ?? ""
            let number: String
            do throws(Refusal) {
                number = try DialedNumber.read(text, field: "number")
            } catch {
                errors.append([
                    "line": row["line"], "column": "number",
                    "reason": .string(String(error.message.split(separator: " ", maxSplits: 1).last ?? "")),
                    "value_masked": .string(Address.masked(text)),
                ])
                continue
            }
            let origin = DNCNumber.Origin(source: .imported, reason: values["reason"].string ?? "")
            if try add(number, to: list.state, origin, context) { imported += 1 } else { duplicates += 1 }
        }
        try record(list.state.change(added: imported, removed: 0), on: list, context)
        return [
            "imported": .integer(imported), "rejected": .integer(errors.count), "duplicates": .integer(duplicates),
            "errors": .array(errors),
        ]
    }

    // MARK: - What people say on the phone

    /// Somebody said during a call that they want no more: the number is put on the customer's default list, and their
    /// target is never dialed again, whatever becomes of the call.
    mutating func take(_ wish: OptOut, _ context: EventContext) throws {
        let number = try? DialedNumber.read(wish.number, field: "number")
        if let number {
            let list = try defaultList(of: wish.customer, context)
            let origin = DNCNumber.Origin(source: .optOut, attempt: wish.attempt, reason: wish.reason)
            try add([number], to: list, origin, context)
        }
        guard let target = try OutdialTables.targets.load(wish.target, in: turn),
            target.state.customer == wish.customer
        else { return }
        // A flow may name a number that is none of the person's who is called.
        let own = target.state.destinations.compactMap { $0.map(DialedNumber.key) }
        guard number.map(own.contains) ?? true else { return }
        try record(target.state.optOut(), on: target, context)
        touch(target.state.outdial, context)
    }

    /// Made when it is needed for the first time.
    private func defaultList(of customer: ID, _ context: EventContext) throws -> LoadedList {
        let id = DNCList.defaultID(of: customer)
        if let list = try OutdialTables.dncLists.load(id, in: turn) { return list }
        let events = DNCList.createDefault(of: customer)
        return try OutdialTables.dncLists.record(events, on: id, current: nil, context: context, in: turn)
    }
}

extension DNCList {
    /// Whether a request may see and change it: the gateway says whether the caller operates the installation.
    func isVisible(to request: Request) -> Bool {
        isGlobal ? request.params["is_operator"].bool ?? false : customer == request.customerID
    }
}

extension RequestBody {
    /// `global` of a new list; only operators of the installation make such.
    fileprivate func isGlobalList(_ request: Request) throws(Refusal) -> Bool {
        guard !json["global"].isNull else { return false }
        guard let isGlobal = json["global"].bool else { throw .invalid("global", "must be true or false") }
        guard !isGlobal || request.params["is_operator"].bool ?? false else {
            throw Refusal(
                .permissionDenied,
                "PERMISSION_DENIED",
                "only operators of the installation make lists for all customers; leave global out"
            )
        }
        return isGlobal
    }

    /// `number`, or `numbers`: each once, in the form in which they are compared.
    fileprivate func dncNumbers() throws(Refusal) -> [String] {
        var given: [JSONValue] = json["number"].isNull ? [] : [json["number"]]
        if !json["numbers"].isNull {
            guard let list = json["numbers"].array else { throw .invalid("numbers", "must be an array of numbers") }
            given += list
        }
        guard !given.isEmpty else { throw .invalid("number", "is missing: give a number, or several as numbers") }
        guard given.count <= DNCList.addLimit else {
            throw .invalid("numbers", "must be at most \(DNCList.addLimit); import a file of more")
        }
        var numbers: [String] = []
        var seen: Set<String> = []
        for (index, value) in given.enumerated() {
            let field = given.count == 1 ? "number" : "numbers[\(index)]"
            guard let text = value.string else { throw .invalid(field, "must be a string such as +15551230000") }
            let number = try DialedNumber.read(text, field: field)
            if seen.insert(number).inserted { numbers.append(number) }
        }
        return numbers
    }
}
