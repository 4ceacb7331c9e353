import Contracts

/// One option of a type of action: its name, what its value has to be, and whether it has to be there.
struct ActionOption: Sendable {
    enum Kind: Sendable {
        /// A text, which may hold `${variables}`; one that is required must not be empty.
        case text(limit: Int = 65_536)
        /// A text that may be empty even when it is required.
        case value
        case flag
        case integer(ClosedRange<Int64>)
        case number
        /// One of these texts.
        case word([String])
        case texts
        case integers(ClosedRange<Int64>)
        case id
        /// The id of an action of the same list, or a reserved one.
        case jump
        /// An object: a text to a ``jump``.
        case jumps
        case address
        case addresses
        /// A list of actions of its own.
        case actions
        /// A list of objects.
        case objects
        case anything
    }

    let name: String
    let kind: Kind
    let isRequired: Bool

    static func required(_ name: String, _ kind: Kind) -> ActionOption {
        ActionOption(name: name, kind: kind, isRequired: true)
    }

    static func optional(_ name: String, _ kind: Kind) -> ActionOption {
        ActionOption(name: name, kind: kind, isRequired: false)
    }
}
