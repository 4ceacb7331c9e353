import Foundation
import Glibc

/// The write end of the pipe through which the signal handler speaks.
// Written once, before the handler is installed; a handler may do no more than read it and call write(2).
nonisolated(unsafe) private var signalPipe: CInt = -1

/// Hears the signals that end a daemon, on a plain thread: it works even when nothing else in the process does.
final class StopSignals: Sendable {
    private let name: String
    private let sequence = Locked(StopSequence())
    private let parent = Locked<ParentProcess?>(nil)
    private let onStop = Locked<@Sendable (StopSequence.Cause) -> Void>({ _ in })

    /// Hears nothing until ``listen()``.
    init(daemon name: String) { self.name = name }

    /// Installs the handlers and starts the thread. Once in a process.
    func listen() {
        var ends: [CInt] = [-1, -1]
        precondition(pipe(&ends) == 0, "no pipe for signals: errno \(errno)")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            // A handler must never wait.
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        signalPipe = ends[1]
        let descriptor = ends[0]
        for number in [SIGTERM, SIGINT, SIGUSR2] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = Glibc.write(signalPipe, &byte, 1)
                errno = saved
            }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
        Thread.detachNewThread { self.follow(descriptor) }
    }

    var isStopping: Bool { sequence.withLock { $0.isStopping } }

    /// From now on the death of `parent` is a reason to stop.
    func watch(_ parent: ParentProcess) throws {
        self.parent.value = parent
        try parent.watch()
    }

    /// The services are built: from now on a signal calls `onStop`, once; until now it ended the process.
    func built(onStop: @escaping @Sendable (StopSequence.Cause) -> Void) {
        self.onStop.value = onStop
        sequence.withLock { $0.built() }
    }

    /// A service ended or failed: the rest has to stop within the same limit.
    func serviceEnded() {
        perform(sequence.withLock { $0.asked(by: .failure, at: .now) }, .failure)
        // Has the thread look at the new deadline.
        var byte: UInt8 = 0
        _ = Glibc.write(signalPipe, &byte, 1)
    }

    private func follow(_ descriptor: CInt) {
        var bytes = [UInt8](repeating: 0, count: 64)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&entry, 1, millisecondsToDeadline)
            perform(sequence.withLock { $0.elapsed(at: .now) }, .failure)
            let count = read(descriptor, &bytes, bytes.count)
            for byte in bytes.prefix(max(0, count)) where byte != 0 { heard(CInt(byte)) }
        }
    }

    private var millisecondsToDeadline: CInt {
        guard let deadline = sequence.withLock({ $0.deadline }) else { return -1 }
        let left = max(.zero, deadline - ContinuousClock.now)
        return CInt(left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000) + 1
    }

    private func heard(_ number: CInt) {
        if number == SIGUSR2, parent.value?.isGone != true { return }
        let cause = number == SIGUSR2 ? StopSequence.Cause.parentGone : .signal
        perform(sequence.withLock { $0.asked(by: cause, at: .now) }, cause)
    }

    private func perform(_ directive: StopSequence.Directive, _ cause: StopSequence.Cause) {
        switch directive {
        case .nothing: break
        case .exit(let status): _exit(status)
        case .stop: onStop.value(cause)
        case .abort(let line):
            LineLogHandler.lastWords("\(name): \(line)")
            _exit(StartupError.exitStatus)
        }
    }
}
