/// A request from one daemon to a manager, and what comes back: plain JSON over the manager's request queue.
///
/// `params` of a change holds the public request body as the client sent it, under `body`; the manager's rules check
/// it, so that there is one place that knows what is allowed. Resources in answers have times as whole microseconds
/// (members that begin with `tm_`, and `next_try_at`, `waiting_until`) or null for "never"; the gateway writes them in
/// the public form.
package struct Request: Hashable, Sendable {
    /// `<resource>.<verb>`: `campaign.create`, `target.list`.
    package var method: String
    /// Whose objects it may touch; ``ID/none`` for the system itself.
    package var customerID: ID
    /// Who asks: `accesskey:<id>`, `agent:<id>`, `system`, `campaign-manager`.
    package var actor: String
    /// Ties together all that follows from one request of the outside world.
    package var correlation: ID
    package var params: JSONValue
    /// With which the client marks repeats of this request, if it does.
    package var idempotency: IdempotencyKey?

    /// The reason with which `worker.register` refuses a journal that is older than it was seen before.
    package static let journalRefused = "JOURNAL_REFUSED"

    package init(
        method: String,
        customerID: ID,
        actor: String,
        correlation: ID,
        params: JSONValue,
        idempotency: IdempotencyKey? = nil
    ) {
        self.method = method
        self.customerID = customerID
        self.actor = actor
        self.correlation = correlation
        self.params = params
        self.idempotency = idempotency
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "method": .string(method), "customer_id": .id(customerID), "actor": .string(actor),
            "correlation_id": .id(correlation), "params": params,
        ]
        if let idempotency { object.append("idempotency", idempotency.json) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            method: try json.requireString("method"),
            customerID: try json.requireID("customer_id"),
            actor: try json.requireString("actor"),
            correlation: try json.requireID("correlation_id"),
            params: json["params"],
            idempotency: json["idempotency"].isNull ? nil : try IdempotencyKey(json: json["idempotency"])
        )
    }
}

/// The answer to a ``Request``: `{"result": …}` or `{"error": {status, reason, message, details}}`.
package enum Reply: Hashable, Sendable {
    case result(JSONValue)
    case refused(Refusal)

    package var json: JSONValue {
        switch self {
        case .result(let result): ["result": result]
        case .refused(let refusal): ["error": refusal.json]
        }
    }

    package init(json: JSONValue) throws(JSONError) {
        if json["error"].object != nil {
            self = .refused(try Refusal(json: json["error"]))
        } else {
            self = .result(json["result"])
        }
    }

    /// What `work` answers, or what it refuses: a ``Refusal``, or a ``JSONError`` for a member that is not what it has to
    /// be. Other errors go on.
    package init(_ work: () throws -> JSONValue) throws {
        do {
            self = .result(try work())
        } catch let refusal as Refusal {
            self = .refused(refusal)
        } catch let error as JSONError {
            self = .refused(Refusal(.invalidArgument, "INVALID_ARGUMENT", error.message))
        }
    }

    /// The result, or the refusal thrown.
    package func get() throws(Refusal) -> JSONValue {
        switch self {
        case .result(let result): return result
        case .refused(let refusal): throw refusal
        }
    }
}

/// A page of a list: newest first, rows older than `token`.
package struct PageRequest: Hashable, Sendable {
    package var size: Int
    package var token: Timestamp?
    package var includesDeleted: Bool

    package static let maximumSize = 100

    package init(size: Int = maximumSize, token: Timestamp? = nil, includesDeleted: Bool = false) {
        self.size = (1...PageRequest.maximumSize).contains(size) ? size : PageRequest.maximumSize
        self.token = token
        self.includesDeleted = includesDeleted
    }

    /// Reads `page_size`, `page_token` (microseconds) and `deleted` of a request's params.
    package init(params: JSONValue) {
        self.init(
            size: params["page_size"].integer.flatMap { Int(exactly: $0) } ?? PageRequest.maximumSize,
            token: params.optionalTime("page_token"),
            includesDeleted: params["deleted"].bool ?? false
        )
    }
}
