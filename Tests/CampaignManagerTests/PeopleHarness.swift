import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport

/// Requests of several people, by the names that the gateway gives them.
extension CampaignHarness {
    /// Answers one request, a read or a change, as `actor` of `customer`.
    @discardableResult
    func ask(
        _ method: String,
        _ params: JSONValue,
        as actor: String,
        of customer: ID = CampaignHarness.customer
    ) throws -> JSONValue {
        let request = Request(
            method: method,
            customerID: customer,
            actor: actor,
            correlation: ids.next(at: now),
            params: params
        )
        if CampaignReads.methods.contains(method) {
            let now = now
            return try CampaignReads(log: try reader, clock: { now }).answer(request).get()
        }
        let reply = Locked<Reply?>(nil)
        try perform([.request(request, answer: { answer in reply.value = answer })])
        guard let answer = reply.value else { throw Refusal.state("no answer") }
        return try answer.get()
    }

    /// The refusal of a request; nil when it is answered.
    func refusal(
        _ method: String,
        _ params: JSONValue,
        as actor: String,
        of customer: ID = CampaignHarness.customer
    ) throws -> Refusal? {
        do {
            try ask(method, params, as: actor, of: customer)
            return nil
        } catch let refusal as Refusal {
            return refusal
        }
    }

    /// Makes a customer with an admin; answers with the admin's name as an actor, and its id.
    func makeCustomer(_ customer: ID, named name: String, isSuperAdmin: Bool = false) throws -> (String, ID) {
        let agent = ids.next(at: now)
        try ask(
            "account.create",
            [
                "customer_id": .id(customer), "agent_id": .id(agent), "accesskey_id": .id(ids.next(at: now)),
                "username": .string(name), "permission": isSuperAdmin ? 33 : 32, "password_hash": "h",
                "token_hash": .string("hash of \(name)"), "token_prefix": "vb_", "body": ["name": .string(name)],
            ],
            as: "system"
        )
        return ("agent:\(agent)", agent)
    }

    /// Makes an agent; answers with its name as an actor, and its id.
    func makeAgent(
        _ name: String,
        _ fields: JSONObject = [:],
        by actor: String,
        of customer: ID = CampaignHarness.customer
    ) throws -> (String, ID) {
        var body = fields
        body["username"] = .string(name)
        let id = ids.next(at: now)
        try ask(
            "agent.create",
            ["id": .id(id), "body": .object(body), "password_hash": "h"],
            as: actor,
            of: customer
        )
        return ("agent:\(id)", id)
    }

    /// Params of a list: those of the page as they are, the others as its filter.
    static func listParams(_ given: JSONObject) -> JSONValue {
        var (params, filter) = (JSONObject(), JSONObject())
        for member in given.members {
            if ["id", "page_size", "page_token"].contains(member.name) {
                params.append(member.name, member.value)
            } else {
                filter.append(member.name, member.value)
            }
        }
        params.append("filter", .object(filter))
        return .object(params)
    }
}
