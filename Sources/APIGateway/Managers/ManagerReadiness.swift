import Contracts

/// Which managers have answered at least once, and whether the bus is connected.
actor ManagerReadiness {
    private let isConnected: @Sendable () -> Bool
    private var silent = Set(Manager.allCases)

    init(isConnected: @escaping @Sendable () -> Bool) {
        self.isConnected = isConnected
    }

    func answered(_ manager: Manager) {
        silent.remove(manager)
    }

    /// The managers that have not answered yet.
    var unanswered: [Manager] {
        Manager.allCases.filter { silent.contains($0) }
    }

    /// What is waited for, in words; empty when ready.
    var pending: [String] {
        (isConnected() ? [] : ["the message broker"]) + unanswered.map(\.rawValue)
    }
}

extension ManagerRequests {
    /// Asks the managers that have not answered yet, and says what is still missing; empty when all is ready.
    func pending(correlation: ID) async -> [String] {
        await withTaskGroup { group in
            for manager in await readiness.unanswered {
                group.addTask {
                    // A refusal is an answer too; only silence counts, and ``result`` notes who answered.
                    let question: (String, JSONValue) =
                        manager == .campaign ? ("gateway.secret", [:]) : ("outdial.progress", ["ids": []])
                    _ = try? await result(
                        question.0,
                        question.1,
                        of: manager,
                        correlation: correlation,
                        deadline: .milliseconds(500)
                    )
                }
            }
        }
        return await readiness.pending
    }
}
