/// What an identity may do: the public API's bitmask.
package struct Permission: OptionSet, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    package static let projectSuperAdmin = Permission(rawValue: 1)
    package static let customerAgent = Permission(rawValue: 16)
    package static let customerAdmin = Permission(rawValue: 32)
    package static let customerManager = Permission(rawValue: 64)
}
