import Glibc

// A writer and a publisher in a process of their own, for tests that kill it, or take its disk away.
//
//     event-log-child LOG FROM TO BROKER
//
// Appends the events FROM ... TO in order and writes "number position" to standard output once each is committed. A
// publisher follows the log and appends the number of each event to the file BROKER, which confirms at once.
guard CommandLine.arguments.count == 5, let from = UInt64(CommandLine.arguments[2]),
    let to = UInt64(CommandLine.arguments[3])
else {
    complain("usage: event-log-child LOG FROM TO BROKER")
    exit(64)
}
do {
    try await Child(log: CommandLine.arguments[1], broker: CommandLine.arguments[4]).run(from...to)
} catch {
    complain("event-log-child: \(error)")
    exit(70)
}

func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
