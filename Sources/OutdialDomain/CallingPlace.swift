package import Contracts

/// Where a person is, as far as the time there goes.
package enum CallingPlace: Hashable, Sendable {
    /// The target names its time zone.
    case zone(String)
    /// Somewhere in the zones of the number's prefix, by the set's index.
    case prefix(Int)
    /// Nobody knows, and it is not guessed.
    case unknown

    /// The names of the zones, all of which have to allow a call; none when they are unknown.
    package var zones: [String] {
        switch self {
        case .zone(let name): [name]
        case .prefix(let set): NumberZones.zones(ofSet: set)
        case .unknown: []
        }
    }
}

extension Target {
    /// Where its person is when they are called at `destination`.
    package func place(of destination: Address) -> CallingPlace {
        if !timeZone.isEmpty { return .zone(timeZone) }
        guard destination.type == "tel", let set = NumberZones.set(of: destination.target) else { return .unknown }
        return .prefix(set)
    }
}
