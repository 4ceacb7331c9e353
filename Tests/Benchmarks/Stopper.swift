import Dispatch
import Foundation
import Glibc

/// Ends what this program has started, also when a signal ends it.
///
/// Each child is ended by its process id. A small shell process does the same when this program is killed.
final class Stopper: @unchecked Sendable {
    // Safe to share: everything is read and written with `lock` held.
    static let shared = Stopper()

    private let lock = NSLock()
    private var children: [pid_t: Int32] = [:]
    private var directories: [String] = []
    private var watchdog: Process?
    private var sources: [any DispatchSourceSignal] = []
    private var isStopping = false

    /// The path of this program.
    static var ownPath: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// Ends everything and exits at SIGINT, SIGTERM or SIGHUP.
    func listen() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                self.stopAll()
                _exit(128 + number)
            }
            source.resume()
            lock.withLock { sources.append(source) }
        }
    }

    /// Throws when this program is about to end.
    func check() throws { if lock.withLock({ isStopping }) { throw CancellationError() } }

    /// Has `signal` sent to a child at the end, and SIGKILL when it has not ended 20 s later.
    func add(_ child: pid_t, signal: Int32 = SIGTERM) {
        lock.withLock { children[child] = signal }
        watch()
    }

    func forget(_ child: pid_t) {
        lock.withLock { children[child] = nil }
        watch()
    }

    func removeAtEnd(_ directory: String) {
        lock.withLock { directories.append(directory) }
        watch()
    }

    /// Ends all children and removes the directories.
    func stopAll() {
        let (children, directories, watchdog) = lock.withLock {
            isStopping = true
            defer { (self.children, self.directories, self.watchdog) = ([:], [], nil) }
            return (self.children, self.directories, self.watchdog)
        }
        for (child, signal) in children {
            kill(child, signal)
            kill(child, SIGCONT)
        }
        let limit = ContinuousClock.now + .seconds(20)
        for child in children.keys {
            while kill(child, 0) == 0, !Stopper.isZombie(child), ContinuousClock.now < limit { usleep(20_000) }
            if !Stopper.isZombie(child) { kill(child, SIGKILL) }
        }
        for directory in directories { try? FileManager.default.removeItem(atPath: directory) }
        if let watchdog { kill(watchdog.processIdentifier, SIGKILL) }
    }

    /// Whether a process has ended and only waits to be asked for its status.
    static func isZombie(_ pid: pid_t) -> Bool { ProcessFigures.state(of: pid) == "Z" }

    /// Starts the shell that acts when this program cannot; it replaces the one before.
    private func watch() {
        lock.withLock {
            guard !isStopping else { return }
            let script = """
                while kill -0 \(getpid()) 2>/dev/null; do sleep 0.5; done
                kill -9 \(children.keys.map(String.init).joined(separator: " ")) 2>/dev/null
                sleep 1
                rm -rf \(directories.map { "'\($0)'" }.joined(separator: " "))
                """
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try? process.run()
            if let watchdog { kill(watchdog.processIdentifier, SIGKILL) }
            watchdog = process
        }
    }
}
