import Contracts
import EventLog
import GRDB
import OutdialDomain
import Service

/// What is read of do-not-call lists.
extension OutdialReads {
    func list(_ request: Request, _ includesDeleted: Bool, _ db: Database) throws -> DNCList {
        let id = try request.params.requireID("id")
        guard let list = try OutdialTables.dncLists.load(id, in: db)?.state, list.isVisible(to: request),
            includesDeleted || list.deletedAt == nil
        else { throw Refusal.notFound("DNCLIST_NOT_FOUND", "there is no do-not-call list \(id)") }
        return list
    }

    /// The customer's lists; with the filter `global` those of the installation, for its operators.
    func lists(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let query = ListQuery(params: request.params)
        var filter = ListFilter()
        filter.require(name: query.text("name"))
        let isGlobal = try query.word("global", ["true", "false"]) == "true"
        guard !isGlobal || request.params["is_operator"].bool ?? false else {
            throw Refusal(
                .permissionDenied,
                "PERMISSION_DENIED",
                "only operators of the installation see its lists; leave global out"
            )
        }
        let customer = isGlobal ? ID.none : request.customerID
        return try Page(
            of: OutdialTables.dncLists,
            where: "customer_id = ?",
            [customer],
            filter: filter,
            page,
            in: db
        ).json(\.resource)
    }

    func numbers(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let list = try list(request, page.includesDeleted, db)
        var page = page
        page.includesDeleted = false
        return try Page(of: OutdialTables.dncNumbers, where: "list_id = ?", [list.id], page, in: db).json(\.resource)
    }

    /// Whether a number is on a list that counts for the customer, and on which: of a list of the installation its id
    /// and name only.
    func checkNumber(_ request: Request, _ db: Database) throws -> JSONValue {
        guard let text = ListQuery(params: request.params).text("number") else {
            throw Refusal.invalid("number", "is missing: name the number to look up")
        }
        let number = try DialedNumber.read(text, field: "number")
        let found = try ListsInForce(of: request.customerID, in: db).having(number, db)
        let lists = try found.compactMap { try OutdialTables.dncLists.load($0, in: db)?.state }
        return [
            "number": .string(number), "listed": .bool(!lists.isEmpty),
            "dnclists": .array(
                lists.map { list in
                    [
                        "id": .id(list.id), "name": .string(list.name), "global": .bool(list.isGlobal),
                        "version": .integer(list.version),
                    ]
                }
            ),
        ]
    }

    /// A worker is about to dial: which of the numbers are on lists, and which lists were asked.
    ///
    /// `{"checks":[{"attempt_id","customer_id","destination"}]}` gives
    /// `{"listed":[attempt ids],"customers":{"<id>":{"<list id>":version}}}`. Of a check with `is_leg`, a call that a flow
    /// wants, `held` says which attempt has a call to its number, if one has: `{"<id of the call>":"<attempt id>"}`.
    func checkBeforeDialing(_ request: Request, _ db: Database) throws -> JSONValue {
        var inForce: [ID: ListsInForce] = [:]
        var listed: [JSONValue] = []
        var held = JSONObject()
        for check in try request.params.requireArray("checks") {
            let (attempt, customer) = (try check.requireID("attempt_id"), try check.requireID("customer_id"))
            let lists = try inForce[customer] ?? ListsInForce(of: customer, in: db)
            inForce[customer] = lists
            guard let address = try Address.stored(check["destination"]) else { continue }
            let number = DialedNumber.key(of: address)
            if try lists.has(number, db) { listed.append(.id(attempt)) }
            if check["is_leg"].bool == true, let holder = try NumberUse.holder(of: number, customer: customer, db) {
                held.append(attempt.description, .id(holder))
            }
        }
        var customers = JSONObject()
        for (customer, lists) in inForce.sorted(by: { $0.key < $1.key }) where !lists.versions.isEmpty {
            customers.append(customer.description, ListVersion.json(lists.versions))
        }
        var answer: JSONObject = ["listed": .array(listed), "customers": .object(customers)]
        if !held.members.isEmpty { answer.append("held", .object(held)) }
        return .object(answer)
    }
}
