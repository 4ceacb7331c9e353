import Contracts
import HTTPTypes

extension Gateway {
    /// Checks a name and a password and answers with a session token, as JSON and as a cookie.
    func logIn(_ call: ClientCall, body: JSONValue) async throws -> Answer {
        for field in ["username", "password"] {
            guard let text = body[field].string, !text.isEmpty else {
                throw Refusal.invalid(field, "must be given as text")
            }
        }
        let (agent, session) = try await loggedInAgent(body, from: call.address.network, correlation: call.correlation)
        let token = try await sessions.token(for: agent, session: session, at: configuration.now())
        let cookie =
            "token=\(token); HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=\(SessionTokens.lifetime)"
        return Answer(["username": agent["username"], "token": .string(token)], headers: [.setCookie: cookie])
    }

    private func loggedInAgent(
        _ body: JSONValue,
        from network: ClientAddress,
        correlation: ID
    ) async throws(Refusal) -> (agent: JSONValue, session: Int64) {
        let answer: JSONValue
        do {
            answer = try await managers.result(
                "account.login",
                [
                    "username": body["username"], "password": body["password"],
                    "network": .string(network.description),
                ],
                of: .campaign,
                correlation: correlation
            )
        } catch {
            switch error.status {
            case .unauthenticated, .notFound: throw Authenticator.invalidCredentials
            default: throw error
            }
        }
        guard case .object(var agent) = answer["agent"], answer["agent"]["id"].id != nil else {
            throw Refusal(.unknown, "INTERNAL", "account.login was answered without an agent")
        }
        // The token is readable by whoever holds it.
        agent.remove("password")
        agent.remove("password_hash")
        return (.object(agent), answer["session"].integer ?? 0)
    }
}
