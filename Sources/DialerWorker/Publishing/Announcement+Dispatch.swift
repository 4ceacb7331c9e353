package import Contracts
package import Service

extension Announcement {
    /// The announcement as it goes to the broker.
    package func dispatch(_ names: BusNames) -> Dispatch {
        switch self {
        case .item(let item): .toManager(item, .campaign, names: names)
        case .outdialItem(let item): .toManager(item, .outdial, names: names)
        case .call(let report): .callEvent(report, exchange: names.calls)
        }
    }
}
