import Foundation

/// The write end of the pipe through which the signal handler speaks.
// Written once, before the handler is installed; a handler may do no more than read it and call write(2).
nonisolated(unsafe) private var signalPipe: Int32 = -1

/// SIGINT, SIGTERM and SIGHUP as a stream; from its creation on they no longer end the process.
///
/// A handler of our own rather than a dispatch source: that one misses signals that reach the first thread.
final class StopSignals: Sendable {
    let stream: AsyncStream<Int32>

    /// Once in a process.
    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.stream = stream
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        signalPipe = ends[1]
        let input = ends[0]
        Thread.detachNewThread {
            var number: UInt8 = 0
            while true {
                let count = read(input, &number, 1)
                if count == 1 {
                    continuation.yield(Int32(number))
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipe, &byte, 1)
                errno = saved
            }
            action.sa_flags = Int32(SA_RESTART)
            sigaction(number, &action, nil)
        }
    }
}
