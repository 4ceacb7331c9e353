package import Contracts

/// The gateway's way to ask the daemons that own the data.
package protocol ManagerClient: Sendable {
    /// Asks `manager` and waits for the answer, never longer than `deadline`.
    ///
    /// A request may reach the manager twice: what it changes has to be keyed by the ids in it.
    /// - Throws: ``Refusal/unavailable(_:)`` naming the manager when there is no answer in time.
    func request(_ request: Request, to manager: Manager, deadline: Duration) async throws -> Reply
}

/// Asks managers and unwraps their answers.
struct ManagerRequests: Sendable {
    let client: any ManagerClient
    let deadline: Duration
    let readiness: ManagerReadiness

    /// The result of one request; throws what the manager refuses, or that it does not answer.
    func result(
        _ method: String,
        _ params: JSONValue,
        of manager: Manager,
        caller: Identity? = nil,
        correlation: ID,
        deadline: Duration? = nil,
        idempotency: IdempotencyKey? = nil
    ) async throws(Refusal) -> JSONValue {
        let request = Request(
            method: method,
            customerID: caller?.customerID ?? .none,
            actor: caller?.actor ?? "api-gateway",
            correlation: correlation,
            params: params,
            idempotency: idempotency
        )
        let reply: Reply
        do {
            reply = try await client.request(request, to: manager, deadline: deadline ?? self.deadline)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw .unavailable("\(manager.rawValue) cannot be reached: \(error)")
        }
        await readiness.answered(manager)
        return try reply.get()
    }
}
