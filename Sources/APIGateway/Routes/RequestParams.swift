import Contracts
import HTTPTypes

/// Makes the params of a request to a manager from the parts of a client's request.
struct RequestParams {
    /// What the gateway makes anew for one request that makes something.
    struct Fresh {
        var id: ID
        var agentID: ID
        var accessKeyID: ID
        var token: AccessKeyToken

        init(at now: Timestamp, repeatKey: RepeatKey?, shape: Route.Shape) {
            var generator = IDGenerator()
            id = generator.next(at: now)
            agentID = generator.next(at: now)
            accessKeyID = generator.next(at: now)
            token = repeatKey?.token(of: shape == .customerCreation ? accessKeyID : id) ?? AccessKeyToken()
        }
    }

    /// The ids of the path; throws `INVALID_ID` for what is no UUID, or the nil one.
    static func ids(_ parameters: [(name: String, value: Substring)]) throws(Refusal) -> JSONObject {
        var params = JSONObject()
        for (name, value) in parameters {
            // The one that is no id.
            if name == "number" {
                params.append(name, .string(QueryString.decode(value, plusIsSpace: false)))
                continue
            }
            guard let id = ID(value), !id.isNone else {
                throw Refusal(
                    .invalidArgument,
                    "INVALID_ID",
                    "the \(name) in the path must be a UUID and not the nil one"
                )
            }
            params.append(name, .id(id))
        }
        return params
    }

    /// Completes the ids of the path by what `shape` asks for; `fresh` is there when it makes something.
    static func complete(
        _ params: inout JSONObject,
        shape: Route.Shape,
        query: QueryString,
        body: JSONValue,
        caller: Identity,
        fresh: Fresh?
    ) throws(Refusal) {
        switch shape {
        case .ids: if query.flag("deleted") { params.append("deleted", true) }
        case .page: try page(query, into: &params)
        case .list(let filters):
            try page(query, into: &params)
            filter(query, filters, into: &params)
        case .callList(let filters):
            try page(query, into: &params)
            filter(query, filters, into: &params)
            params.append("not_dialed", .bool(query.flag("not_dialed")))
        case .ownCustomer: params.append("id", .id(caller.customerID))
        case .body: params.append("body", body)
        case .creation, .accessKeyCreation, .customerCreation:
            guard let fresh else { break }
            params.append("id", .id(fresh.id))
            if shape == .customerCreation {
                params.append("agent_id", .id(fresh.agentID))
                params.append("accesskey_id", .id(fresh.accessKeyID))
            }
            if shape != .creation { params.append("token", .string(fresh.token.text)) }
            params.append("body", body)
        }
    }

    private static func page(_ query: QueryString, into params: inout JSONObject) throws(Refusal) {
        var size = PageRequest.maximumSize
        if let text = query["page_size"] {
            guard let number = Int(text) else { throw .invalid("page_size", "must be a whole number from 1 to 100") }
            size = number
        }
        let page = PageRequest(size: size, token: try token(query), includesDeleted: query.flag("deleted"))
        params.append("page_size", .integer(page.size))
        if let token = page.token { params.append("page_token", .time(token)) }
        params.append("deleted", .bool(page.includesDeleted))
    }

    private static func filter(_ query: QueryString, _ names: [String], into params: inout JSONObject) {
        var given = JSONObject()
        for name in names {
            guard let text = query[name], let literal = query.literal(name) else { continue }
            // The plus of an offset is often left as it is.
            let isTime = Timestamp(parsing: text) == nil && Timestamp(parsing: literal) != nil
            given.append(name, .string(isTime ? literal : text))
        }
        if !given.members.isEmpty { params.append("filter", .object(given)) }
    }

    private static func token(_ query: QueryString) throws(Refusal) -> Timestamp? {
        guard let text = query["page_token"], let literal = query.literal("page_token") else { return nil }
        guard let time = Timestamp(parsing: text) ?? Timestamp(parsing: literal) else {
            throw .invalid("page_token", "must be the next_page_token of an earlier answer, or a time")
        }
        return time
    }
}
