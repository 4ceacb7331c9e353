package import Contracts

/// What the attempts of a campaign run, put together: its actions or its flow's, the queue_join at their end, and every
/// flow that they name, directly or through others.
package struct ProgramSource: Hashable, Sendable {
    package var actions: [JSONValue]
    package var flows: [ID: [JSONValue]]
    package var variables: [String: String]

    /// The most flows of one program: what is named behind them is not there when an action comes to it.
    package static let flowLimit = 100
    /// The most bytes of JSON that its actions and flows come to: each worker's journal is given all of it, and again after
    /// each change. A flow that does not fit is not there when an action comes to it.
    package static let sizeLimit = 2 << 20

    /// The bytes of its actions and flows.
    package private(set) var size = 0
    /// Whether ``sizeLimit`` kept something out.
    package private(set) var isTooLarge = false
    /// All flows that it is made of, those included that were not there: a change of one may be a change of it.
    package private(set) var named: Set<ID> = []

    /// - Parameter find: the actions of a flow of the customer; nil when there is none, or it is deleted.
    package init(_ campaign: Campaign, find: (ID) throws -> [JSONValue]?) rethrows {
        let settings = campaign.settings
        var actions = settings.actions
        if actions.isEmpty, !settings.flow.isNone { actions = try find(settings.flow) ?? [] }
        if !settings.queue.isNone {
            let join: JSONValue = [
                "id": .id(.none), "next_id": .id(.none), "type": "queue_join",
                "option": ["queue_id": .id(settings.queue)],
            ]
            actions.append(join)
        }
        try self.init(actions: actions, find: find)
        named.insert(settings.flow)
        variables = ["voipbin.campaign.name": settings.name]
        if !settings.queue.isNone { variables["voipbin.queue.id"] = settings.queue.description }
    }

    /// - Parameters:
    ///   - actions: of a flow, or of a campaign.
    ///   - find: the actions of a flow of the customer; nil when there is none, or it is deleted.
    package init(actions: [JSONValue], find: (ID) throws -> [JSONValue]?) rethrows {
        self.actions = actions
        variables = [:]
        flows = [:]
        size = JSONValue.array(actions).bytes.count
        isTooLarge = size > ProgramSource.sizeLimit
        var wanted = actions.flatMap(ProgramSource.flows(of:))
        while let next = wanted.popLast(), flows.count < ProgramSource.flowLimit {
            guard named.insert(next).inserted, let found = try find(next) else { continue }
            let added = JSONValue.array(found).bytes.count
            guard size + added <= ProgramSource.sizeLimit else {
                isTooLarge = true
                continue
            }
            size += added
            flows[next] = found
            wanted += found.flatMap(ProgramSource.flows(of:))
        }
    }

    /// Throws when ``sizeLimit`` keeps something out of it. `field` is what was given.
    package func requireSize(field: String) throws(Refusal) {
        guard isTooLarge else { return }
        throw .invalid(
            field,
            "comes to more than \(ProgramSource.sizeLimit) bytes with all flows that are named from there; shorten texts, or "
                + "name fewer flows"
        )
    }

    /// The flows that an action names, those of actions inside of it included.
    private static func flows(of action: JSONValue) -> [ID] {
        let option = action["option"]
        var named: [ID] = []
        if ["fetch_flow", "call"].contains(action["type"].string), let flow = option["flow_id"].id {
            named.append(flow)
        }
        for inner in option["actions"].array ?? [] { named += flows(of: inner) }
        return named
    }

    /// - Parameter id: made from ``content``.
    package func program(id: ID) -> Program {
        Program(id: id, actions: actions, flows: flows, variables: variables)
    }

    /// The canonical text of everything that runs: equal for equal programs.
    package var content: [UInt8] { program(id: .none).json.bytes }
}

extension CampaignSettings {
    /// Whether its attempts run anything: others are just calls.
    package var hasProgram: Bool { !actions.isEmpty || !flow.isNone || !queue.isNone }
}

extension CampaignSettings.Kind {
    /// What its attempts are.
    package var dial: DialCommand.Kind {
        switch self {
        case .call: .call
        case .flow: .flow
        case .message: .message
        case .email: .email
        }
    }
}
