package import Contracts
import Service

/// The provider that plays a carrier and people by a scenario.
///
/// One agenda and one sleeping task serve all calls. What is due at once (no ringing, no talking) is reported with the
/// order that led to it.
package final class SimulatorProvider: CallProvider {
    private struct State {
        var calls: SimulatedCalls
        var receiver: (@Sendable ([CallReport]) -> Void)?
        /// The task that sleeps until `wakeAt`.
        var sleeper: Task<Void, Never>?
        var wakeAt: Int64 = .max
        var ledgerIsBroken = false
    }

    private let worker: String
    private let ledger: Ledger?
    private let onLedgerFailure: @Sendable (Ledger.Failure) -> Void
    private let clock: @Sendable () -> Timestamp
    private let start = ContinuousClock.now
    private let state: Locked<State>

    /// - Parameters:
    ///   - ledger: where each call is written before it is placed; nil writes none.
    ///   - onLedgerFailure: told when the ledger begins to fail: the calls that it lacks are not placed but reported as
    ///     failed.
    ///   - clock: the time that the ledger shows. The calls keep a clock of their own, which nobody sets.
    package init(
        scenario: Scenario,
        ledger: Ledger?,
        worker: String,
        clock: @escaping @Sendable () -> Timestamp,
        onLedgerFailure: @escaping @Sendable (Ledger.Failure) -> Void
    ) {
        self.ledger = ledger
        self.worker = worker
        self.onLedgerFailure = onLedgerFailure
        self.clock = clock
        state = Locked(State(calls: SimulatedCalls(scenario: scenario)))
    }

    package func report(to receiver: @escaping @Sendable ([CallReport]) -> Void) {
        state.withLock { $0.receiver = receiver }
    }

    package func place(_ commands: [DialCommand]) {
        change { state, now, reports in
            let placeable = write(commands, &state)
            for command in commands.prefix(placeable) { state.calls.place(command, at: now, reports: &reports) }
            for command in commands.dropFirst(placeable) {
                reports.append(CallReport(attempt: command.attempt, what: .ended(reason: .failed, by: .system)))
            }
        }
    }

    package func perform(_ orders: [CallOrder]) {
        change { state, now, reports in
            for order in orders {
                switch order.what {
                case .call(let legs):
                    let placeable = write(legs, &state)
                    for leg in legs.prefix(placeable) { state.calls.place(leg.command, at: now, reports: &reports) }
                    for leg in legs.dropFirst(placeable) {
                        let failed = CallReport.What.ended(reason: .failed, by: .system)
                        reports.append(CallReport(attempt: leg.command.attempt, what: failed))
                    }
                case .connect(let legs):
                    var connect = order
                    connect.what = .connect(Array(legs.prefix(write(legs, &state))))
                    state.calls.perform(connect, at: now, reports: &reports)
                default: state.calls.perform(order, at: now, reports: &reports)
                }
            }
        }
    }

    package func cancel(_ attempts: [ID]) {
        change { state, _, reports in
            for attempt in attempts { state.calls.cancel(attempt, reports: &reports) }
        }
    }

    package func hangUp(_ attempts: [ID], by party: HangupParty) {
        change { state, _, reports in
            for attempt in attempts { state.calls.hangUp(attempt, by: party, reports: &reports) }
        }
    }

    package func run() async {
        while !Task.isCancelled {
            let sleeper = state.withLock { state -> Task<Void, Never> in
                // A millisecond is the finest step: what falls into it happens together.
                let due = state.calls.nextDue.map { max($0, microseconds + 1000) } ?? .max
                let wake = start + .microseconds(min(due, microseconds + 3_600_000_000))
                let sleeper = Task { _ = try? await Task.sleep(until: wake, clock: .continuous) }
                state.sleeper = sleeper
                state.wakeAt = due
                return sleeper
            }
            await withTaskCancellationHandler {
                await sleeper.value
            } onCancel: {
                sleeper.cancel()
            }
            change { _, _, _ in }
        }
    }

    /// Runs `body`, then lets everything happen that is due, and reports it in one batch.
    private func change(_ body: (inout State, Int64, inout [CallReport]) -> Void) {
        state.withLock { state in
            var reports: [CallReport] = []
            let now = microseconds
            body(&state, now, &reports)
            state.calls.advance(to: now, reports: &reports)
            if let due = state.calls.nextDue, due < state.wakeAt {
                state.wakeAt = due
                state.sleeper?.cancel()
            }
            // Inside the lock, so that the batches of several threads arrive in the order in which they happened.
            if !reports.isEmpty { state.receiver?(reports) }
        }
    }

    /// How many of the commands are in the ledger: the others must not be placed.
    private func write(_ commands: [DialCommand], _ state: inout State) -> Int {
        write(ledger == nil ? [] : commands.map { ($0, nil) }, of: commands.count, &state)
    }

    private func write(_ legs: [CallLeg], _ state: inout State) -> Int {
        write(ledger == nil ? [] : legs.map { ($0.command, $0.owner) }, of: legs.count, &state)
    }

    private func write(_ commands: [(DialCommand, owner: ID?)], of count: Int, _ state: inout State) -> Int {
        guard let ledger else { return count }
        let time = clock()
        let lines = commands.map { LedgerLine(time: time, command: $0, worker: worker, owner: $1) }
        let (count, failure) = ledger.append(lines)
        if let failure, !state.ledgerIsBroken { onLedgerFailure(failure) }
        state.ledgerIsBroken = failure != nil
        return count
    }

    private var microseconds: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
