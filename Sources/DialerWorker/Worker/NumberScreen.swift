import Contracts
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
        /// How many messages that are not submitted yet are about it, those that are being asked about included.
        private var subjects: [ID: Int] = [:]

        func holds(anyOf own: Set<ID>) -> Bool { own.contains { subjects[$0] != nil } }

        mutating func add(_ own: Set<ID>) { for subject in own { subjects[subject, default: 0] += 1 } }

        mutating func remove(_ own: Set<ID>) {
            for subject in own {
                let left = subjects[subject, default: 1] - 1
                subjects[subject] = left > 0 ? left : nil
            }
        }
    }

    private let check: any NumberCheck
    private let submit: Submit
    private let waiting = Locked(Waiting())
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init(check: any NumberCheck, submit: @escaping Submit) {
        self.check = check
        self.submit = submit
    }

    /// Takes messages of the worker's queue; false when they have to be offered again.
    package func take(_ messages: [IncomingMessage]) -> Bool {
        waiting.withLock { waiting in
            var (ahead, behind): ([IncomingMessage], [IncomingMessage]) = ([], [])
            for message in messages {
                let own = NumberScreen.subjects(of: message)
                if message.items.contains(where: \.isDial) || waiting.holds(anyOf: own) {
                    behind.append(message)
                    waiting.add(own)
                } else {
                    ahead.append(message)
                }
            }
            guard ahead.isEmpty || submit(WorkerInput.of(ahead)) else {
                for message in behind { waiting.remove(NumberScreen.subjects(of: message)) }
                return false
            }
            waiting.messages += behind
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
        let answers = await check.screen(messages.flatMap(\.items).compactMap(\.dialCommand))
        if Task.isCancelled { return }
        let inputs = WorkerInput.of(messages) { $0.screened(by: answers) }
        while !submit(inputs) {
            if Task.isCancelled { return }
            try? await Task.sleep(for: .milliseconds(5))
        }
        waiting.withLock { waiting in
            for message in messages { waiting.remove(NumberScreen.subjects(of: message)) }
        }
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
