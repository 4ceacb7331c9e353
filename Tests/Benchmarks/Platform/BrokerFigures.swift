import Foundation
import Glibc

/// What a private broker has counted since its start.
struct BrokerFigures: Sendable {
    /// Messages that were published to it.
    var messages: Double
    /// Bytes that its clients have sent.
    var bytes: Double

    /// Asks the broker with the process id `pid`, as the environment says that it was started with.
    init(_ pid: pid_t) throws {
        let environment = try ProcessFigures.environment(of: pid).filter {
            $0.key.hasPrefix("RABBITMQ_") || $0.key.hasPrefix("ERL_") || $0.key == "HOME"
        }
        func ask(_ arguments: [String]) throws -> String {
            let node = environment["RABBITMQ_NODENAME"] ?? "rabbit"
            return try Command.run("/usr/lib/rabbitmq/bin/rabbitmqctl", ["-q", "-n", node] + arguments, environment)
        }
        let counters = try ask(["eval", "rabbit_global_counters:overview()."])
        let matches = counters.matches(of: /messages_received_total\s*=>\s*(\d+)/)
        messages = matches.reduce(0) { $0 + (Double($1.1) ?? 0) }
        let connections = try ask(["list_connections", "--no-table-headers", "recv_oct"])
        bytes = connections.split(whereSeparator: \.isWhitespace).reduce(0) { $0 + (Double($1) ?? 0) }
    }
}
