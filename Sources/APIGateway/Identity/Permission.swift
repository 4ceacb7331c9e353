/// What an agent or an access key may do: a mask of bits.
package struct Permission: OptionSet, Sendable, Hashable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// An operator of the whole installation.
    package static let superAdmin = Permission(rawValue: 1)
    package static let customerAgent = Permission(rawValue: 16)
    package static let customerAdmin = Permission(rawValue: 32)
    package static let customerManager = Permission(rawValue: 64)
}
