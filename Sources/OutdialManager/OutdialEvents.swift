import OutdialDomain
package import Service

/// What other programs are told of outdial-manager's log: a line for each kind of object.
package let outdialManagerEvents: [PublishedCategory] = [
    PublishedCategory(
        Outdial.self,
        keptInside: ["outdial_plan_changed", "outdial_wished", "outdial_ready", "outdial_exhausted"],
        customer: { $0.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(
        Target.self,
        as: "outdialtarget",
        isFrequent: true,
        customer: { $0.customer },
        resource: { $0.resource }
    ),
    PublishedCategory(DNCList.self, customer: { $0.customer }, resource: { $0.resource }),
]
