package import Contracts

/// What an identity may do: the public API's bitmask.
package struct Permission: OptionSet, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    package static let projectSuperAdmin = Permission(rawValue: 1)
    /// The bits that concern the whole installation.
    package static let projectAll = Permission(rawValue: 15)
    package static let customerAgent = Permission(rawValue: 16)
    package static let customerAdmin = Permission(rawValue: 32)
    package static let customerManager = Permission(rawValue: 64)
    package static let customerAll = Permission(rawValue: 240)
    package static let all = Permission(rawValue: 65535)

    /// Reads `permission`; absent or null is nil.
    package init?(body: RequestBody) throws(Refusal) {
        guard let mask = try body.integer("permission", in: 0...Permission.all.rawValue) else { return nil }
        self.init(rawValue: mask)
    }
}
