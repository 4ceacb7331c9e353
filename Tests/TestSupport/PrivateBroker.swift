import Foundation
import Glibc

/// A RabbitMQ server of a test's own: on loopback, on free ports, in a temporary directory, gone with the test process.
///
/// It has no plugins, and user `guest` with password `guest`. Name server and broker are watched by a small shell
/// process that kills both when the test process is gone, even when it crashed.
package final class PrivateBroker: Sendable {
    /// One broker for the whole test process, started when first asked for: `try await PrivateBroker.shared.value`.
    package static let shared = Task { try await PrivateBroker.start() }

    /// What went wrong, as a sentence.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What a broker needs to speak TLS.
    package struct TLS: Sendable {
        /// The authority whose client certificates it takes.
        package var caFile: String
        package var certificateFile: String
        package var keyFile: String
        /// Whether a client has to show a certificate.
        package var asksForCertificate: Bool

        package init(caFile: String, certificateFile: String, keyFile: String, asksForCertificate: Bool = false) {
            self.caFile = caFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.asksForCertificate = asksForCertificate
        }
    }

    /// The port of AMQP.
    package let port: Int
    /// The port of AMQP over TLS; nothing listens there unless the broker was started with TLS.
    package let tlsPort: Int
    /// The broker's address for clients.
    package var url: String { "amqp://guest:guest@127.0.0.1:\(port)/%2f" }
    /// The process id of the Erlang machine; it changes with `restart()`.
    package var pid: Int32 { lock.withLock { broker?.processIdentifier ?? 0 } }

    private let directory: String
    private let environment: [String: String]
    private let nameServer: Process
    private let lock = NSLock()
    // Only touched under `lock`.
    nonisolated(unsafe) private var broker: Process?
    nonisolated(unsafe) private var watchdog: Process?

    private static let programs = "/usr/lib/rabbitmq/bin"

    /// Starts a broker and waits until it takes connections, about 5 s on a quiet machine, 60 s at most.
    package static func start(tls: TLS? = nil) async throws -> PrivateBroker {
        guard FileManager.default.isExecutableFile(atPath: "\(programs)/rabbitmq-server"),
            let epmd = ["/usr/bin/epmd", "/usr/local/bin/epmd"].first(where: FileManager.default.isExecutableFile)
        else {
            throw Failure(description: "rabbitmq-server is not installed: run deploy/install-dependencies")
        }
        let broker = try PrivateBroker(epmd: epmd, tls: tls)
        do {
            try await broker.launch()
        } catch {
            broker.stop()
            throw error
        }
        return broker
    }

    private init(epmd: String, tls: TLS?) throws {
        let ports = try Self.freePorts(4)
        port = ports[0]
        tlsPort = ports[3]
        directory = NSTemporaryDirectory() + "carillon-broker-\(getpid())-\(ports[0])"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let inherited = ProcessInfo.processInfo.environment
        environment = [
            "PATH": inherited["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": directory,  // holds the Erlang cookie
            "ERL_EPMD_PORT": "\(ports[2])",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "carillon-\(ports[0])@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": "\(ports[0])",
            "RABBITMQ_DIST_PORT": "\(ports[1])",
            "RABBITMQ_MNESIA_BASE": "\(directory)/mnesia",
            "RABBITMQ_LOG_BASE": "\(directory)/log",
            "RABBITMQ_CONFIG_FILE": "\(directory)/rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": "\(directory)/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(directory)/enabled_plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            // Makes the script become the Erlang machine, so that its process id is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
        ]
        var settings = """
            raft.wal_max_size_bytes = 67108864
            vm_memory_high_watermark.absolute = 1GB
            disk_free_limit.absolute = 50MB
            log.console = false

            """
        if let tls { settings += Self.settings(tls, port: ports[3]) }
        try settings.write(toFile: "\(directory)/rabbitmq.conf", atomically: true, encoding: .utf8)
        try "[].\n".write(toFile: "\(directory)/enabled_plugins", atomically: true, encoding: .utf8)
        // A name server of its own, started before the broker would start one that nobody knows.
        nameServer = Self.process(
            epmd,
            ["-address", "127.0.0.1", "-port", "\(ports[2])"],
            environment,
            output: "\(directory)/epmd.txt"
        )
        try nameServer.run()
    }

    /// Ends broker and name server at once and removes the directory. Harmless when repeated.
    package func stop() {
        kill()
        Self.end(nameServer)
        lock.withLock {
            if let watchdog { Self.end(watchdog) }
            watchdog = nil
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Kills the broker with SIGKILL and returns when it is gone. Its data stays for `restart()`.
    package func kill() {
        lock.withLock {
            if let broker { Self.end(broker) }
            broker = nil
        }
    }

    /// Ends the broker politely with SIGTERM and returns when it is gone, killing it after 30 s. Its data stays for
    /// `restart()`.
    package func terminate() {
        lock.withLock {
            guard let broker, broker.isRunning else { return }
            Glibc.kill(broker.processIdentifier, SIGTERM)
            if !Self.waitForExit(broker, seconds: 30) { Self.end(broker) }
            self.broker = nil
        }
    }

    /// Starts it again on the same ports and data, after killing it when it runs.
    package func restart() async throws {
        kill()
        try await launch()
    }

    /// Runs `rabbitmqctl` on this broker and returns what it prints. It takes about a second.
    @discardableResult
    package func rabbitmqctl(_ args: [String]) throws -> String {
        let output = "\(directory)/ctl-\(UInt32.random(in: 0 ... .max)).txt"
        let arguments = ["-q", "-n", environment["RABBITMQ_NODENAME"]!] + args
        let process = Self.process("\(Self.programs)/rabbitmqctl", arguments, environment, output: output)
        try process.run()
        guard Self.waitForExit(process, seconds: 60) else {
            Self.end(process)
            throw Failure(description: "rabbitmqctl \(args) did not end within 60 s")
        }
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard process.terminationStatus == 0 else {
            throw Failure(description: "rabbitmqctl \(args) failed: \(text)")
        }
        return text
    }

    private func launch() async throws {
        let output = "\(directory)/output.txt"
        let process = Self.process("\(Self.programs)/rabbitmq-server", [], environment, output: output)
        try Self.run(process)
        try lock.withLock {
            broker = process
            if let watchdog { Self.end(watchdog) }
            watchdog = try watch(process.processIdentifier)
        }
        let limit = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < limit {
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            if text.contains("completed with") { return }
            guard process.isRunning else { throw Failure(description: "the broker ended while starting:\n\(text)") }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(description: "the broker did not start within 60 s")
    }

    private static func settings(_ tls: TLS, port: Int) -> String {
        """
        listeners.ssl.1 = 127.0.0.1:\(port)
        ssl_options.cacertfile = \(tls.caFile)
        ssl_options.certfile = \(tls.certificateFile)
        ssl_options.keyfile = \(tls.keyFile)
        ssl_options.verify = verify_peer
        ssl_options.fail_if_no_peer_cert = \(tls.asksForCertificate)

        """
    }

    // The kernel's parent-death signal is tied to the thread that started a process, and threads of a pool come and go.
    private func watch(_ pid: Int32) throws -> Process {
        let script = """
            while kill -0 \(getpid()) 2>/dev/null; do sleep 0.5; done
            kill -9 \(pid) \(nameServer.processIdentifier) 2>/dev/null
            sleep 1
            rm -rf '\(directory)'
            """
        let process = Self.process("/bin/sh", ["-c", script], environment, output: "/dev/null")
        try process.run()
        return process
    }

    private static func process(
        _ path: String,
        _ arguments: [String],
        _ environment: [String: String],
        output: String
    ) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        if output != "/dev/null" { _ = FileManager.default.createFile(atPath: output, contents: nil) }
        let handle = FileHandle(forWritingAtPath: output) ?? .nullDevice
        process.standardOutput = handle
        process.standardError = handle
        return process
    }

    // Threads of a pool block every signal, and what they start inherits that: SIGTERM would have no effect.
    private static func run(_ process: Process) throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    private static func end(_ process: Process) {
        guard process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        _ = waitForExit(process, seconds: 10)
    }

    private static func waitForExit(_ process: Process, seconds: Double) -> Bool {
        let limit = ContinuousClock.now + .seconds(seconds)
        while process.isRunning {
            guard ContinuousClock.now < limit else { return false }
            usleep(10_000)
        }
        return true
    }

    /// Ports that were free a moment ago; all are held at once so that they differ.
    package static func freePorts(_ count: Int) throws -> [Int] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
                }
            }
            guard bound else { throw Failure(description: "no free port: errno \(errno)") }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }
}
