import Contracts

/// What a slice is made for.
enum SliceScope: Hashable, Sendable {
    case correlation(ID)
    case campaign(ID)
    case target(ID)

    /// `target:ID`, as the slice's header writes it.
    var text: String {
        switch self {
        case .correlation(let id): "correlation:\(id)"
        case .campaign(let id): "campaign:\(id)"
        case .target(let id): "target:\(id)"
        }
    }

    /// Exactly one of the options has to be given.
    init(correlation: String?, campaign: String?, target: String?) throws(ToolError) {
        let given = [("correlation", correlation), ("campaign", campaign), ("target", target)].filter { $0.1 != nil }
        guard given.count == 1, let text = given[0].1 else {
            throw .usage("give one of --correlation, --campaign and --target")
        }
        guard let id = ID(text) else { throw .usage("--\(given[0].0) must be a UUID, and is '\(text)'") }
        switch given[0].0 {
        case "correlation": self = .correlation(id)
        case "campaign": self = .campaign(id)
        default: self = .target(id)
        }
    }
}
