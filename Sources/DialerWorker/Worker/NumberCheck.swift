package import Contracts
package import Logging
package import Service

/// Knows which numbers are on a do-not-call list, as of now.
package protocol NumberCheck: Sendable {
    /// What is known of the number of each command, by its attempt; nothing of any when nobody answers in time.
    func screen(_ commands: [DialCommand]) async -> [ID: NumberScreening]
    /// The same of the numbers that flows want to call, and who has a call to them.
    func screen(legs: [CallLeg]) async -> [ID: NumberScreening]
}

extension NumberCheck {
    package func screen(legs: [CallLeg]) async -> [ID: NumberScreening] { await screen(legs.map(\.command)) }
}

/// Asks outdial-manager, and again while it does not answer.
package struct OutdialNumberCheck: NumberCheck {
    private let caller: ManagerCaller
    private let worker: String
    private let logger: Logger
    private let clock: @Sendable () -> Timestamp

    /// How long an answer may take, with further tries.
    private static let patience = Duration.seconds(3)
    private static let timeout = Duration.seconds(1)

    package init(
        caller: ManagerCaller,
        worker: String,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.caller = caller
        self.worker = worker
        self.logger = logger
        self.clock = clock
    }

    package func screen(_ commands: [DialCommand]) async -> [ID: NumberScreening] {
        await screen(commands, areLegs: false)
    }

    package func screen(legs: [CallLeg]) async -> [ID: NumberScreening] {
        await screen(legs.map(\.command), areLegs: true)
    }

    private func screen(_ commands: [DialCommand], areLegs: Bool) async -> [ID: NumberScreening] {
        var ids = IDGenerator()
        let request = Request(
            method: "dnc.check",
            customerID: .none,
            actor: "dialer-worker/\(worker)",
            correlation: ids.next(at: clock()),
            params: [
                "checks": .array(
                    commands.map { command in
                        var check: JSONObject = [
                            "attempt_id": .id(command.attempt), "customer_id": .id(command.customer),
                            "destination": command.destination.json,
                        ]
                        if areLegs { check.append("is_leg", true) }
                        return .object(check)
                    }
                )
            ]
        )
        let deadline = ContinuousClock.now + OutdialNumberCheck.patience
        while !Task.isCancelled {
            do {
                let answer = try await caller.call(.outdial, request, timeout: OutdialNumberCheck.timeout).get()
                return OutdialNumberCheck.screenings(of: commands, answer)
            } catch {
                guard ContinuousClock.now < deadline else {
                    logger.warning(
                        "nobody is dialed without a look at the do-not-call lists, and outdial-manager does not answer",
                        metadata: ["attempts": "\(commands.count)"]
                    )
                    return [:]
                }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
        return [:]
    }

    private static func screenings(of commands: [DialCommand], _ answer: JSONValue) -> [ID: NumberScreening] {
        guard let listed = answer["listed"].array.map({ Set($0.compactMap(\.id)) }) else { return [:] }
        var byCustomer: [ID: [ListVersion]] = [:]
        var screenings: [ID: NumberScreening] = [:]
        for command in commands {
            let lists =
                byCustomer[command.customer]
                ?? ListVersion.list(answer["customers"][command.customer.description])
            byCustomer[command.customer] = lists
            if listed.contains(command.attempt) {
                screenings[command.attempt] = .listed(lists)
            } else if let holder = answer["held"][command.attempt.description].id {
                screenings[command.attempt] = .busy(by: holder)
            } else {
                screenings[command.attempt] = .clear(lists)
            }
        }
        return screenings
    }
}
