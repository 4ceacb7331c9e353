import Contracts
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

/// Answers the public API: authenticates, checks shapes, asks a manager, writes its answer in the public form.
///
/// It holds no data and no rules of campaigns: any number of gateways may run side by side, and what a document may say
/// is decided by the manager that owns it.
struct Gateway: Sendable {
    let configuration: GatewayConfiguration
    let routes: RouteTable
    let managers: ManagerRequests
    let sessions: SessionTokens
    let authenticator: Authenticator
    let progress: CampaignProgress
    let publicForm: PublicForm
    let limits: RateLimits
    let streams: CampaignStreams
    let documents = ServedDocuments()

    init(
        client: any ManagerClient,
        configuration: GatewayConfiguration,
        logger: Logger,
        isConnected: @escaping @Sendable () -> Bool
    ) {
        self.configuration = configuration
        routes = .campaignAPI
        managers = ManagerRequests(
            client: client,
            deadline: configuration.requestDeadline,
            readiness: ManagerReadiness(isConnected: isConnected),
            logger: logger
        )
        limits = RateLimits(configuration.rates)
        sessions = SessionTokens(managers: managers, secret: configuration.tokenSecret)
        let cache = IdentityCache(lifetime: configuration.identityLifetime, capacity: configuration.identityCapacity)
        authenticator = Authenticator(
            managers: managers,
            sessions: sessions,
            cache: cache,
            failures: limits.failures,
            instant: configuration.instant
        )
        progress = CampaignProgress(managers: managers, deadline: configuration.progressDeadline)
        publicForm = PublicForm(timeFormat: configuration.timeFormat)
        streams = CampaignStreams(
            source: ManagerCampaignSource(managers: managers, progress: progress, publicForm: publicForm),
            settings: configuration.streams
        )
    }

    /// Answers one request; throws a ``Refusal`` or a ``Problem``.
    func answer(
        _ call: ClientCall,
        route: Route,
        parameters: [(name: String, value: Substring)],
        body: HTTPBody
    ) async throws -> Answer {
        switch route.endpoint {
        case .ping: return Answer(["result": "pong"])
        case .health: return Answer(["status": "ok"])
        case .readiness: return await readiness(call)
        case .login: return try await logIn(call, body: try await document(body, of: call))
        case .importTargets:
            let caller = try await caller(of: call, route)
            let ids = try RequestParams.ids(parameters)
            return try await importTargets(into: ids["outdial_id"].id ?? .none, body: body, call: call, caller: caller)
        case .importNumbers:
            let caller = try await caller(of: call, route)
            let ids = try RequestParams.ids(parameters)
            return try await importNumbers(into: ids["id"].id ?? .none, body: body, call: call, caller: caller)
        case .openAPI: return Answer(content: .document(documents.openAPI))
        case .asyncAPI: return Answer(content: .document(documents.asyncAPI))
        case .docs: return Answer(content: .document(documents.page))
        case .campaignEvents:
            let caller = try await caller(of: call, route)
            let ids = try RequestParams.ids(parameters)
            return try await events(of: ids["id"].id ?? .none, body: body, call: call, route: route, caller: caller)
        case .campaignResults:
            let caller = try await caller(of: call, route)
            let ids = try RequestParams.ids(parameters)
            return try await results(of: ids["id"].id ?? .none, call: call, caller: caller)
        case .manager(let manager, let rpc, let shape):
            let caller = try await caller(of: call, route)
            var params = try RequestParams.ids(parameters)
            let document = route.takesBody ? try await document(body, of: call) : [:]
            let repeatKey = route.method == .post ? try await repeatKey(of: call, caller: caller) : nil
            let fresh =
                shape.makesSomething
                ? RequestParams.Fresh(at: configuration.now(), repeatKey: repeatKey, shape: shape) : nil
            try RequestParams.complete(
                &params,
                shape: shape,
                query: call.query,
                body: document,
                caller: caller,
                fresh: fresh
            )
            // Lists of the whole installation belong to its operators.
            if rpc.hasPrefix("dnclist.") { params.append("is_operator", .bool(caller.isOperator)) }
            let result =
                route.method == .get
                ? try await managers.read(
                    rpc,
                    .object(params),
                    of: manager,
                    caller: caller,
                    correlation: call.correlation
                )
                : try await managers.result(
                    rpc,
                    .object(params),
                    of: manager,
                    caller: caller,
                    correlation: call.correlation,
                    deadline: route.takesLong ? configuration.longDeadline : nil,
                    // An answer with a secret is kept nowhere: a repeat makes another secret, and that one holds.
                    idempotency: rpc == "customer.webhook_secret" ? nil : repeatKey?.mark(for: document)
                )
            let complete =
                route.showsCampaigns
                ? await progress.merged(into: result, caller: caller, correlation: call.correlation) : result
            return Answer(
                publicForm.value(FreshSecrets.added(to: complete, shape: shape, fresh: fresh, repeatKey: repeatKey))
            )
        }
    }

    private func repeatKey(of call: ClientCall, caller: Identity) async throws -> RepeatKey? {
        guard let key = try call.idempotencyKey() else { return nil }
        return RepeatKey(
            key: key,
            path: "/" + PathPattern.segments(of: call.path).joined(separator: "/"),
            customer: caller.customerID,
            secret: try await sessions.secretBytes()
        )
    }

    /// Who makes a request, when the route is open to them and their customer has not made too many.
    private func caller(of call: ClientCall, _ route: Route) async throws -> Identity {
        let caller = try await authenticator.authenticate(call, for: route.access, at: configuration.now())
        try limits.customers.count(caller.customerID, at: configuration.instant())
        return caller
    }

    private func readiness(_ call: ClientCall) async -> Answer {
        let pending = await managers.pending(correlation: call.correlation)
        guard pending.isEmpty else {
            return Answer(
                code: 503,
                ["status": "waiting", "waiting_for": .array(pending.map { .string($0) })],
                headers: [.retryAfter: "1"]
            )
        }
        return Answer(["status": "ready"])
    }

    /// The client's JSON object; an empty body is an empty one.
    private func document(_ body: HTTPBody, of call: ClientCall) async throws -> JSONValue {
        let limit = configuration.maximumBodySize
        if let length = call.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw Problem.bodyTooLarge(limit: limit)
        }
        var bytes: [UInt8] = []
        for try await chunk in body {
            guard bytes.count + chunk.readableBytes <= limit else { throw Problem.bodyTooLarge(limit: limit) }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        guard !bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return [:] }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw Refusal(.invalidArgument, "INVALID_JSON_BODY", "the body is not valid JSON: \(error.message)")
        }
        guard json.object != nil else {
            throw Refusal(.invalidArgument, "INVALID_JSON_BODY", "the body must be a JSON object")
        }
        return json
    }
}

extension Route {
    /// Whether the client's document is read.
    fileprivate var takesBody: Bool { method == .post || method == .put }

    /// Whether the answer is a campaign or a list of them.
    fileprivate var showsCampaigns: Bool {
        if case .manager(_, let rpc, _) = endpoint {
            rpc.hasPrefix("campaign.") && !["campaign.rehearse", "campaign.test_call"].contains(rpc)
        } else {
            false
        }
    }

    /// Whether it goes through a whole list.
    fileprivate var takesLong: Bool {
        if case .manager(_, let rpc, _) = endpoint {
            ["campaign.rehearse", "target.rearm"].contains(rpc)
        } else {
            false
        }
    }
}

extension ClientCall {
    /// The `Idempotency-Key` header; throws when it is not a plain text of at most 255 characters.
    func idempotencyKey() throws(Refusal) -> String? {
        guard let key = headers[.idempotencyKey], !key.isEmpty else { return nil }
        guard key.utf8.count <= 255, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .invalid("Idempotency-Key", "must have at most 255 visible ASCII characters")
        }
        return key
    }
}
