package import Contracts

/// Who asks for a change, as the rules see them: what they may do, and whether they are an agent themselves.
package struct Actor: Hashable, Sendable {
    /// ``ID/none`` for an access key, or when nobody is known.
    package var agent: ID
    package var permission: Permission

    package init(agent: ID = .none, permission: Permission) {
        self.agent = agent
        self.permission = permission
    }

    /// Somebody whom nobody knows (any more).
    package static let nobody = Actor(permission: [])

    package var isSuperAdmin: Bool { permission.contains(.projectSuperAdmin) }
    package var isAdmin: Bool { isSuperAdmin || permission.contains(.customerAdmin) }
    package var isManager: Bool { isAdmin || permission.contains(.customerManager) }

    /// Throws unless this is an admin or a manager.
    package func requireManager() throws(Refusal) {
        guard isManager else { throw Actor.denied("this takes the permission of an admin or a manager") }
    }

    /// Throws unless this is an admin, a manager, or the agent itself.
    package func requireManager(orAgent agent: ID) throws(Refusal) {
        guard isManager || (!self.agent.isNone && self.agent == agent) else {
            throw Actor.denied("this takes the permission of an admin or a manager, or is for the agent itself")
        }
    }

    /// Throws unless this may turn the mask `old` of an agent into `new`.
    ///
    /// Super admin bits are a super admin's to give and to take, admin and manager bits an admin's; nobody gives more
    /// than they have themselves, where an admin has all bits of the customer.
    package func requireChange(from old: Permission, to new: Permission) throws(Refusal) {
        try requireManager()
        let changed = old.symmetricDifference(new)
        guard isSuperAdmin || changed.isDisjoint(with: .projectAll) else {
            throw Actor.denied("only a super admin may give or take the bits of a super admin")
        }
        guard isAdmin || changed.isDisjoint(with: [.customerAdmin, .customerManager]) else {
            throw Actor.denied("only an admin may give or take the bits of admins and managers")
        }
        guard new.subtracting(old).isSubset(of: reach) else {
            throw Actor.denied("nobody may give more than they have themselves")
        }
    }

    /// Throws unless this may do to an agent with the mask `permission` what amounts to having that mask: set the
    /// password, or delete the agent.
    package func requireAuthority(over permission: Permission) throws(Refusal) {
        try requireChange(from: permission, to: [])
    }

    private var reach: Permission {
        if isSuperAdmin { return .all }
        return permission.union(isAdmin ? .customerAll : .customerAgent)
    }

    private static func denied(_ message: String) -> Refusal {
        Refusal(.permissionDenied, "PERMISSION_DENIED", message)
    }
}
