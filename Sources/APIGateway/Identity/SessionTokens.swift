import Contracts
import JWTKit

import struct FoundationEssentials.Date

/// Makes and reads the tokens of agents' sessions: JSON web tokens signed with HS256, good for seven days.
actor SessionTokens {
    /// How long a session lasts, in seconds.
    static let lifetime: Int64 = 7 * 86_400

    private let managers: ManagerRequests
    private let secret: [UInt8]?
    private var keys: JWTKeyCollection?
    /// The answer to the question for the secret.
    private var shared: [UInt8]?

    /// - Parameter secret: the signing key; nil asks campaign-manager for it at the first use.
    init(managers: ManagerRequests, secret: [UInt8]?) {
        self.managers = managers
        self.secret = secret
    }

    /// The agent that a token was made for, and the number of the session: a changed password begins a new one.
    struct Session: Hashable, Sendable {
        var agent: ID
        var number: Int64
    }

    /// A new token for an agent, whose JSON it carries.
    func token(for agent: JSONValue, session: Int64, at now: Timestamp) async throws -> String {
        let seconds = now.microseconds / 1_000_000
        let claims = SessionClaims(
            type: SessionClaims.agentType,
            agent: ClaimValue(agent),
            session: session,
            exp: ExpirationClaim(value: Date(timeIntervalSince1970: Double(seconds + SessionTokens.lifetime))),
            iat: IssuedAtClaim(value: Date(timeIntervalSince1970: Double(seconds)))
        )
        return try await signingKeys().sign(claims)
    }

    /// What a token was made for; nil when it is not one of ours, was changed, or has expired.
    ///
    /// - Throws: a ``Refusal`` when the signing key cannot be had.
    func session(of token: String, at now: Timestamp) async throws -> Session? {
        let keys = try await signingKeys()
        guard let claims = try? await keys.verify(token, as: SessionClaims.self) else { return nil }
        guard claims.type == nil || claims.type == SessionClaims.agentType else { return nil }
        guard claims.exp.value.timeIntervalSince1970 > Double(now.microseconds) / 1_000_000 else { return nil }
        return claims.agent.json["id"].id.map { Session(agent: $0, number: claims.session ?? 0) }
    }

    private func signingKeys() async throws -> JWTKeyCollection {
        if let keys { return keys }
        let made = await JWTKeyCollection().add(hmac: HMACKey(from: try await secretBytes()), digestAlgorithm: .sha256)
        keys = made
        return made
    }

    /// What all gateways share and nobody else knows.
    func secretBytes() async throws -> [UInt8] {
        if let secret { return secret }
        if let shared { return shared }
        var ids = IDGenerator()
        let correlation = ids.next(at: .systemNow)
        let answer = try await managers.result("gateway.secret", [:], of: .campaign, correlation: correlation)
        let digits = Array((answer["jwt_secret"].string ?? "").utf8).compactMap(\.hexDigit)
        guard digits.count >= 32 else {
            throw Refusal(.unknown, "INTERNAL", "campaign-manager gave no usable secret for session tokens")
        }
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        shared = bytes
        return bytes
    }
}

/// What a session token says.
struct SessionClaims: JWTPayload {
    static let agentType = "agent"

    var type: String?
    var agent: ClaimValue
    /// Absent in tokens of agents who never had another session.
    var session: Int64?
    var exp: ExpirationClaim
    var iat: IssuedAtClaim?

    /// Expiry is checked by ``SessionTokens`` against the clock that it was given.
    func verify(using algorithm: some JWTAlgorithm) throws {}
}
