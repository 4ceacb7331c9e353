package import Contracts
import Logging

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
    let logger: Logger
    private let reads = SharedReads()

    init(client: any ManagerClient, deadline: Duration, readiness: ManagerReadiness, logger: Logger) {
        self.client = client
        self.deadline = deadline
        self.readiness = readiness
        self.logger = logger
    }

    /// The result of one request; throws what the manager refuses, or that it does not answer.
    ///
    /// An error that is not for the client's eyes is logged here, and told without its words.
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
            log("a manager cannot be asked", request, manager, "\(error)")
            throw .unavailable("\(manager.rawValue) cannot be reached now; try again")
        }
        await readiness.answered(manager)
        switch reply {
        case .result(let result):
            guard result.object != nil else {
                log("a manager's answer is no object", request, manager, "")
                throw Problem.inside.refusal
            }
            return result
        case .refused(let refusal):
            guard refusal.status != .unknown else {
                log("a manager failed", request, manager, refusal.description)
                throw Problem.inside.refusal
            }
            throw refusal
        }
    }

    /// The result of a request that changes nothing; those who ask the same at the same time share one.
    func read(
        _ method: String,
        _ params: JSONValue,
        of manager: Manager,
        caller: Identity? = nil,
        correlation: ID,
        deadline: Duration? = nil
    ) async throws(Refusal) -> JSONValue {
        let read = SharedReads.Read(
            manager: manager,
            method: method,
            customer: caller?.customerID ?? .none,
            actor: caller?.actor ?? "",
            params: params
        )
        return try await reads.result(of: read) {
            do throws(Refusal) {
                return .success(
                    try await result(
                        method,
                        params,
                        of: manager,
                        caller: caller,
                        correlation: correlation,
                        deadline: deadline
                    )
                )
            } catch {
                return .failure(error)
            }
        }
    }

    private func log(_ what: Logger.Message, _ request: Request, _ manager: Manager, _ problem: String) {
        logger.warning(
            what,
            metadata: [
                "manager": "\(manager.rawValue)", "method": "\(request.method)", "problem": "\(problem)",
                "correlation_id": "\(request.correlation)",
            ]
        )
    }
}
