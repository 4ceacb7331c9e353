import Contracts
import DialerWorker
import Service
import Testing

@Suite("The simulator as a provider")
struct SimulatorProviderTests {
    private let directory = TemporaryDirectory()
    private let failures = Locked<[String]>([])

    private func provider(
        timeScale: Double = 0,
        ledger: String? = nil
    ) throws -> (SimulatorProvider, Locked<[CallReport]>) {
        var scenario = Scenario()
        scenario.timeScale = timeScale
        let provider = SimulatorProvider(
            scenario: scenario,
            ledger: try ledger.map { try Ledger(path: $0) },
            worker: "1",
            clock: { Sample.start },
            onLedgerFailure: { [failures] failure in failures.withLock { $0.append(failure.description) } }
        )
        let reports = Locked<[CallReport]>([])
        provider.report { batch in reports.withLock { $0 += batch } }
        return (provider, reports)
    }

    @Test("writes the ledger before a call is placed")
    func ledgerFirst() throws {
        let path = directory.file("ledger")
        let (provider, reports) = try provider(ledger: path)
        provider.place([Sample.dial(1), Sample.dial(2, to: "+15551230002")])
        #expect(contents(of: path).split(separator: "\n").count == 2)
        #expect(
            reports.withLock { $0 }.map(\.what) == [
                .dialing, .ringing, .dialing, .answered, .ended(reason: .busy, by: .remote),
                .ended(reason: .normal, by: .remote),
            ]
        )
    }

    @Test("places no call that is not in the ledger, and reports it as failed")
    func ledgerFull() throws {
        let (provider, reports) = try provider(ledger: "/dev/full")
        provider.place([Sample.dial(1)])
        #expect(failures.withLock { $0 } == ["cannot write the ledger /dev/full: No space left on device"])
        let failed = CallReport(attempt: Sample.attempt(1), what: .ended(reason: .failed, by: .system))
        #expect(reports.withLock { $0 } == [failed])
    }

    @Test("wakes up for what comes later")
    func timers() async throws {
        let (provider, reports) = try provider(timeScale: 0.001)
        let run = Task { await provider.run() }
        provider.place((0..<100).map { Sample.dial(UInt64($0)) })
        let deadline = ContinuousClock.now + .seconds(10)
        while reports.withLock({ $0.count }) < 400, ContinuousClock.now < deadline { await Task.yield() }
        #expect(reports.withLock { $0.count } == 400)
        run.cancel()
        await run.value
    }

    @Test("cancels and hangs up")
    func orders() throws {
        let (provider, reports) = try provider(timeScale: 1)
        provider.place([Sample.dial(1), Sample.dial(2)])
        provider.cancel([Sample.attempt(1)])
        provider.hangUp([Sample.attempt(1), Sample.attempt(2)], by: .system)
        let ends = reports.withLock { $0 }.suffix(2)
        #expect(ends.map(\.attempt) == [Sample.attempt(1), Sample.attempt(2)])
        #expect(ends.map(\.what) == [.ended(reason: .cancel, by: .system), .ended(reason: .cancel, by: .system)])
    }
}
