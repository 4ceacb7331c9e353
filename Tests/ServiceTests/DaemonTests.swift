import Foundation
import Glibc
import TestSupport
import Testing

/// Whole daemons from their arguments to their exit status, without a broker.
@Suite(.serialized) struct DaemonTests {
    @Test func sigtermEndsWithStatus0() async throws {
        let daemon = try DaemonProcess()
        #expect(await daemon.waitUntilBuilt())
        daemon.send(SIGTERM)
        #expect(await daemon.status() == 0, "\(daemon.text)")
        #expect(daemon.text.contains("\"stopping\""))
    }

    @Test func sigtermDuringTheBuildEndsWithStatus0() async throws {
        // The pipe without a reader holds the build up.
        let pipe = try TemporaryDirectory()
        #expect(mkfifo(pipe.file("ledger"), 0o600) == 0)
        let daemon = try DaemonProcess(
            "dialer-worker",
            ["--simulator-ledger", pipe.file("ledger"), "--metrics-listen", "127.0.0.1:0"]
        )
        #expect(await eventually { daemon.text.contains("metrics are served") })
        daemon.send(SIGTERM)
        #expect(await daemon.status() == 0, "\(daemon.text)")
        #expect(!daemon.text.contains("\"stopping\""))
    }

    @Test func aSecondSignalEndsAtOnceWithStatus1() async throws {
        let daemon = try DaemonProcess()
        #expect(await daemon.waitUntilBuilt())
        // Both are there when it goes on.
        daemon.send(SIGSTOP)
        daemon.send(SIGTERM)
        daemon.send(SIGINT)
        daemon.send(SIGCONT)
        #expect(await daemon.status() == 1, "\(daemon.text)")
        #expect(daemon.lines.last == "outdial-manager: stopped at once by a second signal")
    }

    @Test func aStopThatHangsEndsWithStatus1WithinTenSeconds() async throws {
        // Nobody reads its log, so everything that wants to log hangs.
        let pipe = Pipe()
        let end = pipe.fileHandleForWriting.fileDescriptor
        let flags = fcntl(end, F_GETFL)
        _ = fcntl(end, F_SETFL, flags | O_NONBLOCK)
        let block = [UInt8](repeating: 0x20, count: 4096)
        while write(end, block, block.count) > 0 {}
        _ = fcntl(end, F_SETFL, flags)
        let socket = NotifySocket()
        let daemon = try DaemonProcess(
            environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "3000000"],
            standardError: pipe.fileHandleForWriting
        )
        #expect(socket.receive() == "WATCHDOG=1")
        let start = ContinuousClock.now
        daemon.send(SIGTERM)
        #expect(await daemon.status() == 1)
        let length = ContinuousClock.now - start
        #expect(length > .seconds(9) && length < .seconds(12), "\(length)")
    }

    @Test func itStopsWhenTheProcessThatStartedItIsKilled() async throws {
        let daemon = try DaemonProcess(
            environment: ["CARILLON_DIE_WITH_PARENT": "1"],
            shell: #""$0" "$@" & echo "pid=$!" >&2; wait"#
        )
        #expect(await daemon.waitUntilBuilt())
        let line = try #require(daemon.lines.first { $0.hasPrefix("pid=") })
        let child = try #require(pid_t(line.dropFirst(4)))
        daemon.send(SIGKILL)
        let isGone = await eventually { kill(child, 0) != 0 || DaemonTests.isZombie(child) }
        #expect(isGone, "\(daemon.text)")
        #expect(daemon.text.contains("the process that started it is gone"))
        if !isGone { kill(child, SIGKILL) }
    }

    /// Whatever became of its parent, nobody may wait for an orphan in this container.
    private static func isZombie(_ process: pid_t) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        return text.contains(") Z ") || text.contains(") X ")
    }

    @Test func theEndOfAThreadOfTheParentDoesNotStopIt() async throws {
        let daemon = try DaemonProcess(environment: ["CARILLON_DIE_WITH_PARENT": "\(getpid())"])
        #expect(await daemon.waitUntilBuilt())
        // What the kernel sends when the thread ends that started it.
        daemon.send(SIGUSR2)
        #expect(await daemon.status(within: .milliseconds(500)) == nil)
        daemon.send(SIGTERM)
        #expect(await daemon.status() == 0, "\(daemon.text)")
    }

    @Test func aParentThatIsGoneAlreadyIsRefused() async throws {
        let daemon = try DaemonProcess(environment: ["CARILLON_DIE_WITH_PARENT": "\(Int32.max)"])
        #expect(await daemon.status() == 1)
        #expect(daemon.text == "outdial-manager: the process that started it is gone\n")
    }

    @Test func aWrongSettingIsOneLineAndStatus78() async throws {
        let daemon = try DaemonProcess(environment: ["CARILLON_LOG_LEVEL": "loud"])
        #expect(await daemon.status() == 78)
        #expect(daemon.lines.count == 1)
        #expect(daemon.text.hasPrefix("outdial-manager: CARILLON_LOG_LEVEL is \"loud\"; give one of trace,"))
        let flag = try DaemonProcess("outdial-manager", ["--metrics-listen", "a:b:70"])
        #expect(await flag.status() == 78)
        #expect(flag.text.hasPrefix("outdial-manager: --metrics-listen is \"a:b:70\"; give HOST:PORT"))
    }

    @Test func aWrongBrokerAddressNamesTheSettingAndNotThePassword() async throws {
        let daemon = try DaemonProcess(broker: "amqp://me:secret@host:port:5/")
        #expect(await daemon.status() == 78)
        #expect(daemon.lines.count == 1)
        #expect(daemon.text.hasPrefix("outdial-manager: --amqp-url"), "\(daemon.text)")
        #expect(!daemon.text.contains("secret"))
    }

    @Test func anAddressInUseIsOneLineAndStatus1() async throws {
        let first = try DaemonProcess("outdial-manager", ["--metrics-listen", "127.0.0.1:0"])
        #expect(await eventually { first.text.contains("metrics are served") })
        let address = try #require(first.text.firstMatch(of: /"address":"(127\.0\.0\.1:[0-9]+)"/)?.1)
        let second = try DaemonProcess("outdial-manager", ["--metrics-listen", String(address)])
        #expect(await second.status() == 1)
        #expect(
            second.text
                == "outdial-manager: cannot listen on \(address): the address is in use; choose another with --metrics-listen\n"
        )
    }

    @Test func anUnreachableBrokerIsNamedOnce() async throws {
        let daemon = try DaemonProcess()
        #expect(await daemon.waitUntilBuilt())
        // Long enough for several attempts of both connections.
        _ = await daemon.status(within: .seconds(2))
        #expect(daemon.lines.filter { $0.contains("cannot reach the broker") }.count == 1, "\(daemon.text)")
    }

    @Test func metricsAndReadinessAreServed() async throws {
        let daemon = try DaemonProcess("outdial-manager", ["--metrics-listen", "127.0.0.1:0"])
        #expect(await daemon.waitUntilBuilt())
        let address = try #require(daemon.text.firstMatch(of: /"address":"(127\.0\.0\.1:[0-9]+)"/)?.1)
        #expect(try DaemonTests.curl("http://\(address)/healthz") == "{\"status\":\"ok\"}\n200")
        #expect(try DaemonTests.curl("http://\(address)/readyz").hasSuffix("\n503"))
        let metrics = try DaemonTests.curl("http://\(address)/metrics")
        for line in ["carillon_broker_connected 0", "carillon_log_position 1", "carillon_ready 0"] {
            #expect(metrics.contains("\n\(line)\n"), "\(metrics)")
        }
    }

    private static func curl(_ url: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = ["-s", "-m", "5", "-w", "\n%{http_code}", url]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    @Test func helpNamesTheDaemonAndEveryVariable() async throws {
        let daemon = try DaemonProcess("dialer-worker", ["--help"])
        #expect(await daemon.status() == 0)
        #expect(daemon.text.hasPrefix("USAGE: dialer-worker <options>\n"))
        let words = daemon.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for text in [
            "(CARILLON_AMQP_URL, amqp://guest:guest@127.0.0.1:5672/%2f)", "(CARILLON_AMQP_PREFIX, carillon)",
            "(CARILLON_DATA_DIR, $STATE_DIRECTORY, else ./data)", "(CARILLON_METRICS_LISTEN, off)",
            "(CARILLON_LOG_LEVEL, info)", "CARILLON_LOG_FORMAT", "(CARILLON_WORKER_ID, 1)",
        ] {
            #expect(words.contains(text), "\(words)")
        }
        let version = try DaemonProcess("dialer-worker", ["--version"])
        #expect(await version.status() == 0)
        #expect(version.text.hasPrefix("dialer-worker "))
    }
}

/// What a daemon says about a broker that answers.
@Suite struct BrokerRefusalTests {
    @Test func refusedCredentialsNameTheUserAndTheSettingOnce() async throws {
        let broker = try await PrivateBroker.shared.value
        let daemon = try DaemonProcess(broker: "amqp://somebody:wrong@127.0.0.1:\(broker.port)/%2f")
        #expect(await eventually { daemon.text.contains("the broker refuses") })
        _ = await daemon.status(within: .seconds(2))
        let lines = daemon.lines.filter { $0.contains("the broker refuses user \\\"somebody\\\": set --amqp-url") }
        #expect(lines.count == 1, "\(daemon.text)")
        #expect(daemon.process.isRunning)
        #expect(!daemon.text.contains("wrong"))
    }
}
