import AMQP
package import Contracts
package import Logging
package import Service
import ServiceLifecycle

/// Asks outdial-manager, right before attempts are claimed, whether their numbers are on a do-not-call list.
///
/// One request for all dial commands that have come meanwhile. What else comes for the same attempts or campaigns waits
/// behind them, so that a cancel still follows the dial that it cancels; everything else goes ahead at once. Nobody is
/// dialed without an answer: the attempt is refused then, as one that is late, and its try is given back.
package struct NumberScreen: ServiceLifecycle.Service {
    package typealias Submit = @Sendable ([WorkerInput]) -> Bool

    private struct Waiting {
        var messages: [IncomingMessage] = []
        /// Of all messages that are not submitted yet, those that are being asked about included.
        var subjects: [Set<ID>] = []
        var allSubjects: Set<ID> { subjects.reduce(into: []) { $0.formUnion($1) } }
    }

    private let caller: ManagerCaller
    private let worker: String
    private let logger: Logger
    private let clock: @Sendable () -> Timestamp
    private let submit: Submit
    private let waiting = Locked(Waiting())
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// How long an answer may take, with further tries.
    private static let patience = Duration.seconds(3)
    private static let timeout = Duration.seconds(1)

    package init(
        caller: ManagerCaller,
        worker: String,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp,
        submit: @escaping Submit
    ) {
        self.caller = caller
        self.worker = worker
        self.logger = logger
        self.clock = clock
        self.submit = submit
    }

    /// Takes messages of the worker's queue; false when they have to be offered again.
    package func take(_ messages: [IncomingMessage]) -> Bool {
        waiting.withLock { waiting in
            var blocked = waiting.allSubjects
            var (ahead, behind): ([IncomingMessage], [IncomingMessage]) = ([], [])
            var subjects: [Set<ID>] = []
            for message in messages {
                let own = NumberScreen.subjects(of: message)
                if message.items.contains(where: \.isDial) || !own.isDisjoint(with: blocked) {
                    behind.append(message)
                    subjects.append(own)
                    blocked.formUnion(own)
                } else {
                    ahead.append(message)
                }
            }
            guard ahead.isEmpty || submit(WorkerInput.of(ahead)) else { return false }
            waiting.messages += behind
            waiting.subjects += subjects
            if !behind.isEmpty { signal.continuation.yield() }
            return true
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in signal.stream {
                let messages = waiting.withLock { waiting in
                    defer { waiting.messages = [] }
                    return waiting.messages
                }
                if !messages.isEmpty { await pass(messages) }
            }
        }
    }

    /// What is not passed when the worker ends is not acknowledged, and comes again.
    private func pass(_ messages: [IncomingMessage]) async {
        let answers = await ask(messages.flatMap(\.items).compactMap(\.dialCommand))
        if Task.isCancelled { return }
        let inputs = WorkerInput.of(messages) { $0.screened(by: answers) }
        while !submit(inputs) {
            if Task.isCancelled { return }
            try? await Task.sleep(for: .milliseconds(5))
        }
        waiting.withLock { $0.subjects.removeFirst(messages.count) }
    }

    /// By attempt; empty when nobody answers.
    private func ask(_ commands: [DialCommand]) async -> [ID: NumberScreening] {
        var ids = IDGenerator()
        let request = Request(
            method: "dnc.check",
            customerID: .none,
            actor: "dialer-worker/\(worker)",
            correlation: ids.next(at: clock()),
            params: [
                "checks": .array(
                    commands.map {
                        [
                            "attempt_id": .id($0.attempt), "customer_id": .id($0.customer),
                            "destination": $0.destination.json,
                        ]
                    }
                )
            ]
        )
        let deadline = ContinuousClock.now + NumberScreen.patience
        while !Task.isCancelled {
            do {
                let answer = try await caller.call(.outdial, request, timeout: NumberScreen.timeout).get()
                return NumberScreen.screenings(of: commands, answer)
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

    static func screenings(of commands: [DialCommand], _ answer: JSONValue) -> [ID: NumberScreening] {
        guard let listed = answer["listed"].array.map({ Set($0.compactMap(\.id)) }) else { return [:] }
        var byCustomer: [ID: [ListVersion]] = [:]
        var screenings: [ID: NumberScreening] = [:]
        for command in commands {
            let lists =
                byCustomer[command.customer]
                ?? ListVersion.list(answer["customers"][command.customer.description])
            byCustomer[command.customer] = lists
            screenings[command.attempt] = listed.contains(command.attempt) ? .listed(lists) : .clear(lists)
        }
        return screenings
    }

    /// The attempts and campaigns that a message is about.
    private static func subjects(of message: IncomingMessage) -> Set<ID> {
        var subjects: Set<ID> = []
        for item in message.items {
            switch item.body {
            case .dial(let command): subjects.formUnion([command.attempt, command.campaign])
            case .cancel(let campaign, _): subjects.insert(campaign)
            case .settle(let attempt), .hangup(let attempt), .stopFlow(let attempt): subjects.insert(attempt)
            case .ringAgent(let ring): subjects.insert(ring.attempt)
            case .leaveQueue(let attempt, _, _): subjects.insert(attempt)
            default: break
            }
        }
        return subjects
    }
}

extension WorkerInput {
    /// The items of each message, as `change` makes them, and after them its delivery, to be acknowledged.
    static func of(_ messages: [IncomingMessage], change: (Item) -> Item = { $0 }) -> [WorkerInput] {
        var inputs: [WorkerInput] = []
        for message in messages {
            // Call events are for campaign-manager; here they are nobody's.
            inputs += message.items.map { .item(change($0)) }
            inputs.append(.delivered(message))
        }
        return inputs
    }
}

extension Item {
    fileprivate var dialCommand: DialCommand? {
        // A test call rings a number of the customer's own: it has no target, and no list holds it back.
        guard case .dial(let command) = body, !command.target.isNone else { return nil }
        return command
    }

    fileprivate var isDial: Bool { dialCommand != nil }

    /// With what is known of its number; one that nobody answered for is not to be dialed.
    fileprivate func screened(by answers: [ID: NumberScreening]) -> Item {
        guard var command = dialCommand else { return self }
        command.screening = answers[command.attempt] ?? .unanswered
        return Item(id: id, correlation: correlation, body: .dial(command))
    }
}
