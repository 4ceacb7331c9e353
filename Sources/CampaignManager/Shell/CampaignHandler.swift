import AMQP
import CampaignDomain
package import Contracts
package import EventLog
package import Logging
import Service

/// Takes campaign-manager's requests: reads are answered beside the writer, changes go into its turns, and what needs
/// another daemon or a slow hash is done here first.
package struct CampaignHandler: Sendable {
    let writer: LogWriter<CampaignInput>
    let reads: CampaignReads
    let outdials: OutdialCaller
    let passwords = PasswordHasher()
    /// For passwords that are set: they cannot keep those waiting who log in.
    private let newPasswords = PasswordHasher(count: 1, limit: 20)
    private let logins = Locked(LoginLimit())
    /// Hexadecimal; what all gateways sign tokens with.
    let tokenSecret: String
    let idempotent: IdempotentRequests
    /// The routes that other dialing engines serve.
    let engineRoutes: Set<String>
    let logger: Logger

    package init(
        writer: LogWriter<CampaignInput>,
        reads: CampaignReads,
        outdials: OutdialCaller,
        tokenSecret: String,
        engineRoutes: Set<String> = [],
        logger: Logger
    ) {
        self.writer = writer
        self.reads = reads
        self.outdials = outdials
        self.tokenSecret = tokenSecret
        self.engineRoutes = engineRoutes
        idempotent = IdempotentRequests(
            log: reads.log,
            clock: reads.clock,
            // What hashes a password takes so long that the gateway may ask again meanwhile.
            joined: ["account.login", "agent.create", "agent.password", "customer.create"]
        )
        self.logger = logger
    }

    package func handle(_ request: Request) async -> Reply {
        await idempotent.answer(request, perform: perform) { _ = await change($0) }
    }

    private func perform(_ request: Request) async -> Reply {
        await Manager.campaign.reply(to: request, logger: logger) {
            if CampaignReads.methods.contains(request.method) { return try reads.answer(request) }
            switch request.method {
            case "gateway.secret": return .result(["jwt_secret": .string(tokenSecret)])
            case "account.login": return try await login(request)
            case "account.bootstrap", "customer.create": return try await createAccount(request)
            case "accesskey.create": return await change(try withTokenHash(request))
            case "agent.create", "agent.password": return await change(try await withPasswordHash(request))
            case "queue.direct_hash":
                return await change(request.with("direct_hash", .string(randomHexadecimal(bytes: 16))))
            case "customer.webhook_secret":
                return await change(request.with("webhook_secret", .string(randomHexadecimal(bytes: 32))))
            case "customer.update":
                return await change(request.with("webhook_secret", .string(randomHexadecimal(bytes: 32))))
            case "campaign.rehearse": return try await rehearse(request)
            case "campaign.status": return try await setStatus(request)
            case "campaign.create", "campaign.resource_info":
                try await checkOutdial(request)
                return await change(request)
            case "campaign.update": return try await update(request)
            default: return await change(request)
            }
        }
    }

    /// What needs little room and ends what runs: a worker reports the ends of its calls only once it is registered.
    private static let alwaysPossible: Set<String> = [
        "campaign.stop", "campaign.pause", "worker.register", "customer.dialing", "system.dialing", "call.hangup",
        "activeflow.stop",
    ]

    /// Has a turn of the writer do it.
    private func change(_ request: Request) async -> Reply {
        await submit(evenWithoutSpace: CampaignHandler.alwaysPossible.contains(request.method)) {
            .request(request, answer: $0)
        }
    }

    private func submit(
        evenWithoutSpace: Bool = false,
        _ input: (@escaping @Sendable (Reply) -> Void) -> CampaignInput
    ) async -> Reply {
        await writer.answer(of: .campaign, evenWithoutSpace: evenWithoutSpace, input)
    }

    // MARK: - Starting and stopping

    private func setStatus(_ request: Request) async throws -> Reply {
        switch try Campaign.requestedStatus(try RequestBody(request.params["body"])) {
        case .run: return try await start(request)
        case .stop, .stopping:
            var stop = request
            stop.method = "campaign.stop"
            return await change(stop)
        }
    }

    /// Two turns with the claim between them, so that no campaign runs on an outdial that it does not hold.
    private func start(_ request: Request) async throws -> Reply {
        let prepared = await submit { .prepareStart(request, answer: $0) }
        let claim = try prepared.get()
        if claim["is_running"].bool == true { return .result(claim["campaign"]) }
        let campaign = try request.params.requireID("id")
        do {
            let run = try claim.requireInteger("run")
            try await outdials.claim(
                OutdialCaller.Claim(
                    outdial: try claim.requireID("outdial_id"),
                    campaign: campaign,
                    run: run,
                    plan: try DialPlan(json: claim["plan"]),
                    customer: request.customerID,
                    actor: request.actor,
                    correlation: request.correlation
                )
            )
            let started = await submit { .start(request, run: run, answer: $0) }
            if case .refused = started { _ = writer.submit([.startFailed(campaign: campaign)]) }
            return started
        } catch {
            _ = writer.submit([.startFailed(campaign: campaign)])
            if let refusal = error as? Refusal, refusal.status == .notFound {
                throw Refusal(
                    .failedPrecondition,
                    "OUTDIAL_MISSING",
                    "the campaign's outdial is deleted; set outdial_id with PUT /campaigns/{id}/resource_info"
                )
            }
            throw error
        }
    }

    /// `PUT /campaigns/{id}`: the given fields, and a status among them by the same transition.
    private func update(_ request: Request) async throws -> Reply {
        let body = try RequestBody(request.params["body"])
        let status = body.json["status"].isNull ? nil : try Campaign.requestedStatus(body)
        try await checkOutdial(request)
        let updated = await change(request)
        guard status != nil, case .result = updated else { return updated }
        return try await setStatus(request)
    }

    /// An outdial that is given has to exist and to be the customer's own.
    private func checkOutdial(_ request: Request) async throws {
        let body = try RequestBody(request.params["body"])
        guard let id = try body.id("outdial_id"), !id.isNone else { return }
        guard try await outdials.exists(id, request) else {
            throw Refusal.invalid("outdial_id", "names an outdial that does not exist: \(id)")
        }
    }

    // MARK: - Accounts

    private func login(_ request: Request) async throws -> Reply {
        let username = request.params["username"].string ?? ""
        let password = request.params["password"].string ?? ""
        let network = request.params["network"].string ?? ""
        if let seconds = logins.withLock({ $0.attempt(username, from: network, at: reads.clock()) }) {
            throw Refusal.rateLimited("this user name was tried too often", retryAfter: seconds)
        }
        let agent = try reads.agent(username: username)
        let isRight: Bool
        do {
            isRight = try await passwords.verify(password, against: agent?.passwordHash)
        } catch {
            // It was not tried at all.
            logins.withLock { $0.succeed(username, from: network, at: reads.clock()) }
            throw error
        }
        guard isRight, let agent else {
            throw Refusal(.unauthenticated, "INVALID_CREDENTIALS", "username or password is wrong")
        }
        logins.withLock { $0.succeed(username, from: network, at: reads.clock()) }
        return .result(["agent": agent.resource, "session": .integer(agent.session)])
    }

    /// The password itself never reaches a turn or the log.
    private func withPasswordHash(_ request: Request) async throws -> Request {
        // The turn decides; but nobody has the machine hash for what will be refused.
        let actor = try reads.actor(of: request)
        if request.method == "agent.create" {
            try actor.requireManager()
        } else {
            try actor.requireManager(orAgent: try request.params.requireID("id"))
        }
        let body = try RequestBody(request.params["body"])
        let password =
            request.method == "agent.create" ? try Agent.credentials(body).password : try Agent.password(body)
        return request.with("body", body.withoutPassword)
            .with("password_hash", .string(try await newPasswords.hash(password)))
    }

    /// The first account comes from the operator's own machine and may make further ones; later ones may not.
    private func createAccount(_ request: Request) async throws -> Reply {
        let isFirst = request.method == "account.bootstrap"
        let params = request.params
        let body = try RequestBody(isFirst ? ["name": params["name"]] : params["body"])
        let given = isFirst ? try RequestBody(params) : body
        let (username, password) = try Agent.credentials(given)
        let admin: Permission = [.customerAdmin]
        var create = request
        create.method = "account.create"
        create.params = [
            "customer_id": .id(try params[isFirst ? "customer_id" : "id"].id ?? params.requireID("customer_id")),
            "agent_id": params["agent_id"],
            "webhook_secret": .string(randomHexadecimal(bytes: 32)), "accesskey_id": params["accesskey_id"],
            "username": .string(username),
            "permission": .integer(isFirst ? admin.union(.projectSuperAdmin).rawValue : admin.rawValue),
            "password_hash": .string(try await newPasswords.hash(password)),
            "token_hash": .string(accessKeyHash(try params.requireString("token"))),
            "token_prefix": .string(String(try params.requireString("token").prefix(8))), "body": body.withoutPassword,
        ]
        return await change(create)
    }

    /// The token itself never reaches the log.
    private func withTokenHash(_ request: Request) throws -> Request {
        let token = try request.params.requireString("token")
        var hashed = request
        hashed.params = [
            "id": request.params["id"], "body": request.params["body"], "token_hash": .string(accessKeyHash(token)),
            "token_prefix": .string(String(token.prefix(8))),
        ]
        return hashed
    }
}

extension RequestBody {
    fileprivate var withoutPassword: JSONValue {
        var rest = json.object ?? [:]
        rest.remove("password")
        return .object(rest)
    }
}

extension Request {
    /// The same with one more member among its params.
    fileprivate func with(_ name: String, _ value: JSONValue) -> Request {
        var request = self
        var params = params.object ?? [:]
        params[name] = value
        request.params = .object(params)
        return request
    }
}
