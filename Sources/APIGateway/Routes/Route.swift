package import Contracts
package import HTTPTypes

/// One line of the table of routes: what a client may ask for, who may, and where it is answered.
package struct Route: Sendable {
    package let method: HTTPRequest.Method
    package let path: PathPattern
    package let access: Access
    package let endpoint: Endpoint

    /// Who answers.
    package enum Endpoint: Sendable, Hashable {
        /// A manager, asked by `rpc` with params made as `shape` says.
        case manager(Manager, rpc: String, shape: Shape)
        case login
        case importTargets
        case importNumbers
        case ping
        case health
        case readiness
        /// The descriptions of the interfaces, as they are built in, and the page made of one.
        case openAPI
        case asyncAPI
        case docs
        /// What happens in a campaign, as it happens.
        case campaignEvents
        /// A campaign's results as a table.
        case campaignResults
    }

    /// What the params of a request to a manager hold beside the ids of the path.
    package enum Shape: Sendable, Hashable {
        /// Nothing but whether deleted objects are wanted.
        case ids
        /// `page_size`, `page_token`, `deleted`.
        case page
        /// A page, and those of these query parameters that were given, as texts under `filter`: the manager checks them.
        case list(_ filters: [String])
        /// A filtered page, and whether attempts that were never placed are wanted.
        case callList(_ filters: [String])
        /// The client's document as `body`.
        case body
        /// The client's document as `body`, and an `id` for what it makes.
        case creation
        /// A creation with a fresh access key, which the answer shows this once.
        case accessKeyCreation
        /// A creation with ids for the first agent and the first access key, which the answer shows this once.
        case customerCreation
        /// The caller's own customer as `id`.
        case ownCustomer

        /// Whether the gateway gives ids, and with some a secret, to what the request makes.
        var makesSomething: Bool {
            switch self {
            case .creation, .accessKeyCreation, .customerCreation: true
            default: false
            }
        }
    }

    /// A route that a manager answers.
    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ manager: Manager,
        _ rpc: String,
        _ shape: Shape,
        _ access: Access
    ) {
        self.init(method, path, .manager(manager, rpc: rpc, shape: shape), access)
    }

    init(_ method: HTTPRequest.Method, _ path: String, _ endpoint: Endpoint, _ access: Access) {
        self.method = method
        self.path = PathPattern(path)
        self.access = access
        self.endpoint = endpoint
    }
}

/// Who may use a route.
package enum Access: Sendable, Hashable {
    /// Everybody, without credentials.
    case everyone
    /// Every identity that is known.
    case authenticated
    /// Admins and managers of a customer, for what belongs to that customer.
    case manager
    /// The same, and agents for what is their own: campaign-manager knows which that is, and refuses the rest.
    case agentOrManager
    /// Admins of a customer.
    case admin
    /// Operators of the whole installation.
    case superAdmin

    /// The bits of an agent's permission mask that open it; empty when none is needed.
    var permission: Permission {
        switch self {
        case .everyone, .authenticated, .agentOrManager: []
        case .manager: [.superAdmin, .customerAdmin, .customerManager]
        case .admin: [.superAdmin, .customerAdmin]
        case .superAdmin: .superAdmin
        }
    }
}
