import APIGateway
import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

/// Managers whose answers a test scripts; it remembers what it was asked.
actor FakeManagers: ManagerClient {
    typealias Script = @Sendable (Contracts.Request, Manager) throws -> Reply

    static let customer = ID("7a1b2c3d-4e5f-6789-abcd-ef0123456789")!
    static let agent = ID("11111111-1111-7111-8111-111111111111")!
    static let object = ID("183c0d5c-691e-42f3-af2b-9bffc2740f83")!
    static let secret = String(repeating: "5a", count: 32)

    private(set) var requests: [(request: Contracts.Request, manager: Manager)] = []
    private let permission: Int64
    private let script: Script

    init(permission: Int64 = 32, script: @escaping Script = { _, _ in .result(["id": .id(FakeManagers.object)]) }) {
        self.permission = permission
        self.script = script
    }

    func request(_ request: Contracts.Request, to manager: Manager, deadline: Duration) async throws -> Reply {
        requests.append((request, manager))
        switch request.method {
        case "identity.resolve":
            let known: JSONValue = [
                "kind": request.params["agent_id"].isNull ? "accesskey" : "agent", "id": .id(FakeManagers.agent),
                "customer_id": .id(FakeManagers.customer), "permission": .integer(permission),
            ]
            // The hash of "vb_unknown".
            return request.params["token_hash"].string?.hasPrefix("ffff") == true
                ? .refused(Refusal(.unauthenticated, "X", "unknown")) : try override(request, manager) ?? .result(known)
        case "gateway.secret": return .result(["jwt_secret": .string(FakeManagers.secret)])
        default: return try script(request, manager)
        }
    }

    private func override(_ request: Contracts.Request, _ manager: Manager) throws -> Reply? {
        if case .refused(let refusal) = try script(request, manager), refusal.status == .unauthenticated {
            return .refused(refusal)
        }
        return nil
    }

    func asked(_ method: String) -> [Contracts.Request] { requests.map(\.request).filter { $0.method == method } }
}

/// One answer, read.
struct Answered {
    var code: Int
    var headers: HTTPFields
    var json: JSONValue
    var reason: String { json["error"]["reason"].string ?? "" }
}

let key = "vb_0123456789abcdef0123456789abcdef"

/// Sends one request through the gateway.
func send(
    _ method: HTTPRequest.Method,
    _ uri: String,
    body: String? = nil,
    headers: HTTPFields? = nil,
    to managers: some ManagerClient,
    configuration: GatewayConfiguration = GatewayConfiguration(),
    reading: Bool = true
) async throws -> Answered {
    let application = buildGateway(client: managers, configuration: configuration, logger: Logger(label: "test"))
    return try await application.test(.router) { client in
        let response = try await client.execute(
            uri: uri,
            method: method,
            headers: headers ?? [.authorization: "Bearer \(key)"],
            body: body.map { ByteBuffer(string: $0) }
        )
        let text = Array(response.body.readableBytesView)
        return Answered(
            code: response.status.code,
            headers: response.headers,
            json: text.isEmpty || !reading ? .null : try JSONValue(parsing: text)
        )
    }
}
