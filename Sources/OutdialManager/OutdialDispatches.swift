package import Contracts
package import EventLog
import OutdialDomain
package import Service

/// What outdial-manager's events imply for the other daemons.
package struct OutdialDispatches: Sendable {
    let names: BusNames

    package init(names: BusNames) { self.names = names }

    package func dispatches(_ event: RecordedEvent) throws -> [Dispatch] {
        guard event.type == "outdial_ready" || event.type == "outdial_exhausted", let data = event.data,
            let outdial = ID(event.stream.dropFirst(Outdial.category.count + 1))
        else { return [] }
        let body: Item.Body
        switch try OutdialEvent(type: event.type, schema: event.schema, json: try JSONValue(parsing: data)) {
        case .ready(let campaign, let run): body = .outdialReady(outdial: outdial, campaign: campaign, run: run)
        case .exhausted(let campaign, let run): body = .outdialExhausted(outdial: outdial, campaign: campaign, run: run)
        default: return []
        }
        let item = Item(id: event.id, correlation: event.correlation, body: body)
        return [.toManager(item, .campaign, names: names)]
    }
}
