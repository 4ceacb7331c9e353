import Contracts
import HTTPTypes

/// Finds out who makes a request and whether the route is open to them.
struct Authenticator: Sendable {
    let managers: ManagerRequests
    let sessions: SessionTokens
    let cache: IdentityCache
    /// What shows wrong credentials too often is not even looked at any more.
    let failures: RateLimiter<ClientAddress>
    let instant: @Sendable () -> ContinuousClock.Instant

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
        if let expires = identity.expires, expires <= now { throw try wrong(call) }
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
        switch credential {
        case .accessKey(let text):
            let hash = AccessKeyToken.hash(text)
            return try await identity(of: hash, ["token_hash": .string(hash)], call: call, at: now)
        case .sessionToken(let text):
            guard let session = try await sessions.session(of: text, at: now) else { throw try wrong(call) }
            return try await identity(
                of: "\(session.agent):\(session.number)",
                ["agent_id": .id(session.agent), "session": .integer(session.number)],
                call: call,
                at: now
            )
        }
    }

    /// The identity that is remembered as `key`, or else the one that campaign-manager names. Refusals are not remembered.
    private func identity(
        of key: String,
        _ params: JSONValue,
        call: ClientCall,
        at now: Timestamp
    ) async throws -> Identity {
        // Who is known is not shut out by another who guesses at the same address.
        if let known = await cache.identity(of: key, at: now) { return known }
        try failures.check(call.address.network, at: instant())
        guard let identity = try await ask(params, correlation: call.correlation) else { throw try wrong(call) }
        await cache.remember(identity, as: key, at: now)
        return identity
    }

    /// The refusal of wrong credentials, which counts them.
    private func wrong(_ call: ClientCall) throws(Refusal) -> Refusal {
        try failures.count(call.address.network, at: instant())
        return Authenticator.invalidCredentials
    }

    /// Who `params` stands for now; nil for nobody.
    private func ask(_ params: JSONValue, correlation: ID) async throws -> Identity? {
        do throws(Refusal) {
            let answer = try await managers.read("identity.resolve", params, of: .campaign, correlation: correlation)
            do {
                return try Identity(json: answer)
            } catch {
                throw Refusal(.unknown, "INTERNAL", "identity.resolve was answered without \(error.message)")
            }
        } catch {
            switch error.status {
            case .unauthenticated, .notFound: return nil
            default: throw error
            }
        }
    }
}
