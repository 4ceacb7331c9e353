import Contracts
import HTTPTypes

/// Finds out who makes a request and whether the route is open to them.
struct Authenticator: Sendable {
    let managers: ManagerRequests
    let sessions: SessionTokens
    let cache: IdentityCache

    /// The caller; throws 401 for no or bad credentials, 403 when the route needs more than they have.
    func authenticate(_ call: ClientCall, for access: Access, at now: Timestamp) async throws -> Identity {
        guard let (credential, source) = Credential.first(in: call) else {
            throw Refusal(
                .unauthenticated,
                "AUTHENTICATION_REQUIRED",
                "send an access key or the token of POST /auth/login as Authorization: Bearer"
            )
        }
        if source == .cookie, !call.isSafe { try requireOwnOrigin(call) }
        let identity = try await resolve(credential, call: call, at: now)
        if let expires = identity.expires, expires <= now { throw Authenticator.invalidCredentials }
        guard identity.may(access) else {
            throw Refusal(.permissionDenied, "PERMISSION_DENIED", "the permission for this is missing")
        }
        return identity
    }

    /// One message for every reason, so that nobody learns which keys or names exist.
    static let invalidCredentials = Refusal(
        .unauthenticated,
        "INVALID_CREDENTIALS",
        "the credentials are wrong, expired or no longer valid"
    )

    /// Browsers send cookies with requests of other sites' pages too, but they say where those come from.
    private func requireOwnOrigin(_ call: ClientCall) throws(Refusal) {
        guard let authority = call.originAuthority, let host = call.host, authority == host else {
            throw Refusal(
                .permissionDenied,
                "PERMISSION_DENIED",
                "a change that is authenticated by a cookie needs an Origin header equal to the Host"
            )
        }
    }

    private func resolve(_ credential: Credential, call: ClientCall, at now: Timestamp) async throws -> Identity {
        let key: String
        let params: JSONValue
        switch credential {
        case .accessKey(let text):
            key = AccessKeyToken.hash(text)
            params = ["token_hash": .string(key)]
        case .sessionToken(let text):
            guard let agent = try await sessions.agent(of: text, at: now) else {
                throw Authenticator.invalidCredentials
            }
            key = "agent:\(agent)"
            params = ["agent_id": .id(agent)]
        }
        if let known = await cache.identity(of: key, at: now) { return known }
        let identity = try await ask(params, correlation: call.correlation)
        await cache.remember(identity, as: key, at: now)
        return identity
    }

    private func ask(_ params: JSONValue, correlation: ID) async throws -> Identity {
        do throws(Refusal) {
            let answer = try await managers.result("identity.resolve", params, of: .campaign, correlation: correlation)
            do {
                return try Identity(json: answer)
            } catch {
                throw Refusal(.unknown, "INTERNAL", "identity.resolve was answered without \(error.message)")
            }
        } catch {
            switch error.status {
            case .unauthenticated, .notFound: throw Authenticator.invalidCredentials
            default: throw error
            }
        }
    }
}
