import Foundation
import Glibc
import ServiceLifecycle
import TestSupport
import Testing

@testable import Service

@Suite struct ReadinessTests {
    @Test func itIsReadyOnceAllPartsAre() {
        let calls = Locked(0)
        let readiness = Readiness(parts: ["broker"]) { calls.withLock { $0 += 1 } }
        readiness.set("log", ready: false, detail: "checking the log")
        readiness.set("broker", ready: true)
        #expect(!readiness.isReady)
        #expect(readiness.waitingFor == ["checking the log"])
        readiness.set("log", ready: true)
        #expect(readiness.isReady)
        readiness.set("broker", ready: false)
        #expect(readiness.waitingFor == ["broker"])
        readiness.set("broker", ready: true)
        #expect(calls.value == 1)
    }

    @Test func itIsNotReadyWhileItStops() {
        let calls = Locked(0)
        let readiness = Readiness(parts: ["broker"]) { calls.withLock { $0 += 1 } }
        readiness.stop()
        readiness.set("broker", ready: true)
        #expect(!readiness.isReady)
        #expect(readiness.waitingFor == ["stopping"])
        #expect(calls.value == 0)
    }
}

@Suite struct WatchdogTests {
    @Test func aLoopThatDoesNotTurnIsNamed() {
        let watchdog = Watchdog()
        let isAlive = Locked(true)
        watchdog.turned("publisher")
        watchdog.ask("writer") { isAlive.value }
        #expect(watchdog.takeStalled().isEmpty)
        isAlive.value = false
        #expect(watchdog.takeStalled() == ["publisher", "writer"])
        watchdog.turned("publisher")
        #expect(watchdog.takeStalled() == ["writer"])
        watchdog.ended("writer")
        watchdog.ended("publisher")
        #expect(watchdog.takeStalled().isEmpty)
    }
}

@Suite struct SystemdNotifierTests {
    @Test func itSpeaksToPathsAndAbstractNames() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.file("notify"), "@carillon-test-\(getpid())"] {
            let socket = NotifySocket(path)
            SystemdNotifier(environment: ["NOTIFY_SOCKET": path]).notify("READY=1")
            #expect(socket.receive() == "READY=1")
        }
        SystemdNotifier(environment: [:]).notify("READY=1")
        SystemdNotifier(environment: ["NOTIFY_SOCKET": directory.file("nobody")]).notify("READY=1")
    }

    @Test func theWatchdogIsMeantForOneProcess() {
        func interval(_ environment: [String: String]) -> Duration? {
            SystemdNotifier(environment: environment).watchdogInterval
        }
        #expect(interval(["WATCHDOG_USEC": "3000000"]) == .seconds(3))
        #expect(interval(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(3))
        #expect(interval(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
    }

    @Test func aDaemonFeedsTheWatchdogAndSaysThatItStops() async throws {
        let socket = NotifySocket()
        let daemon = try DaemonProcess(environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "300000"])
        #expect(socket.receive() == "WATCHDOG=1")
        #expect(socket.receive() == "WATCHDOG=1")
        daemon.send(SIGTERM)
        var last = socket.receive()
        while last == "WATCHDOG=1" { last = socket.receive() }
        #expect(last == "STOPPING=1")
        #expect(await daemon.status() == 0, "\(daemon.text)")
    }
}

@Suite struct StopSequenceTests {
    private let now = ContinuousClock.now

    @Test func aSignalDuringTheBuildLeaves() {
        var sequence = StopSequence()
        #expect(sequence.asked(by: .signal, at: now) == .exit(status: 0))
        #expect(sequence.asked(by: .parentGone, at: now) == .exit(status: 0))
    }

    @Test func theFirstSignalStopsAndTheSecondAborts() {
        var sequence = StopSequence()
        sequence.built()
        #expect(sequence.asked(by: .signal, at: now) == .stop)
        #expect(sequence.isStopping)
        #expect(sequence.asked(by: .parentGone, at: now) == .nothing)
        #expect(sequence.asked(by: .signal, at: now) == .abort(line: "stopped at once by a second signal"))
    }

    @Test func aSignalAfterAFailureIsTheFirst() {
        var sequence = StopSequence()
        sequence.built()
        #expect(sequence.asked(by: .failure, at: now) == .stop)
        #expect(sequence.asked(by: .signal, at: now) == .nothing)
        #expect(sequence.asked(by: .signal, at: now) != .nothing)
    }

    @Test func aSlowStopIsCutShort() {
        var sequence = StopSequence()
        sequence.built()
        #expect(sequence.elapsed(at: now + .seconds(100)) == .nothing)
        _ = sequence.asked(by: .signal, at: now)
        #expect(sequence.elapsed(at: now + .seconds(9)) == .nothing)
        #expect(
            sequence.elapsed(at: now + .milliseconds(9500)) == .abort(line: "the stop took too long and was cut short")
        )
    }
}

@Suite struct SupervisedServiceTests {
    private struct Brief: ServiceLifecycle.Service {
        func run() async throws {}
    }

    private struct Failing: ServiceLifecycle.Service {
        func run() async throws { throw ConfigurationError("wrong") }
    }

    @Test func aServiceThatEndsEarlyIsAnError() async {
        let signals = StopSignals(daemon: "test")
        let error = await #expect(throws: StartupError.self) {
            try await SupervisedService(service: Brief(), signals: signals).run()
        }
        #expect(error?.message == "Brief ended although no stop was asked for")
    }

    @Test func theEarlyEndStopsTheOthersAndIsTheGroupsError() async {
        let signals = StopSignals(daemon: "test")
        let stops = Locked(0)
        signals.built { _ in stops.withLock { $0 += 1 } }
        await #expect(throws: StartupError.self) {
            try await Daemon.makeGroup([Waiting(), Brief(), Waiting()], signals).run()
        }
        #expect(signals.isStopping)
        #expect(stops.value == 1)
    }

    @Test func anErrorKeepsItsKind() async {
        let signals = StopSignals(daemon: "test")
        signals.built { _ in }
        await #expect(throws: ConfigurationError.self) {
            try await Daemon.makeGroup([Waiting(), Failing()], signals).run()
        }
    }

    private struct Waiting: ServiceLifecycle.Service {
        func run() async throws { try? await gracefulShutdown() }
    }
}
