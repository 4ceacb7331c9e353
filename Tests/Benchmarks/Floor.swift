import AMQP
import CFloor

/// Calls into the C floors.
enum Floor {
    /// Runs a floor, which answers seconds and blocks meanwhile.
    static func seconds(_ body: () -> Double) throws -> Double {
        let seconds = body()
        guard seconds >= 0 else { throw BenchFailure("the floor failed: \(String(cString: floor_error()))") }
        return seconds
    }

    /// Reads every column of every event of a log.
    static func scan(_ path: String) throws -> (rows: Int, seconds: Double) {
        var rows = 0
        let time = try seconds { floor_log_scan(path, &rows) }
        return (rows, time)
    }
}

/// A connection of the floor's to a broker. Used by one task at a time.
final class FloorBus: @unchecked Sendable {
    // Safe to share: benchmarks run one after the other and pass it on with `await`.
    let bus: OpaquePointer

    /// Connects to the broker at an `amqp://` URL.
    init(url: String) throws {
        let configuration = try AMQPConfiguration(url: url, connectionName: "floor")
        let host = configuration.hosts[0]
        let bus = floor_bus_open(host.name, Int32(host.port), configuration.user, configuration.password)
        guard let bus else { throw BenchFailure("the floor has no connection: \(String(cString: floor_error()))") }
        self.bus = bus
    }

    deinit { floor_bus_close(bus) }

    func purge(_ queue: String) throws { _ = try Floor.seconds { floor_bus_purge(bus, queue) } }

    func publish(_ body: [UInt8], to queue: String, count: Int, window: Int) throws -> Double {
        try Floor.seconds { floor_bus_publish(bus, queue, body, body.count, count, window) }
    }

    func consume(_ queue: String, count: Int, window: Int) throws -> Double {
        try Floor.seconds { floor_bus_consume(bus, queue, count, window) }
    }

    /// Publishes here and consumes on `other` at the same time.
    func relay(_ body: [UInt8], through queue: String, to other: FloorBus, count: Int, window: Int) throws -> Double {
        try Floor.seconds { floor_bus_relay(bus, other.bus, queue, body, body.count, count, window) }
    }
}
