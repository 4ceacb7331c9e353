package import AMQP
package import Contracts

/// Asks managers over the message bus.
///
/// Nobody listening, or no connection, is tried again every 100 ms for a second: that is how long a restarted manager
/// or broker needs. A request that was not answered within half of the deadline is sent once more, unchanged.
package struct BusManagerClient: ManagerClient {
    /// Why one try failed.
    package enum Failure: Error {
        /// Nobody takes requests, or there is no connection: the request was not seen.
        case unreachable
        /// No answer came: the request may have been seen.
        case timedOut
        /// Nothing that another try would change.
        case permanent(String)
    }

    /// Sends bytes to a queue and returns the answer's bytes; throws a ``Failure``.
    package typealias Exchange =
        @Sendable (_ queue: String, _ body: [UInt8], _ timeout: Duration) async throws(Failure) -> [UInt8]

    private let names: BusNames
    private let retryWindow: Duration
    private let exchange: Exchange

    package init(names: BusNames, retryWindow: Duration = .seconds(1), exchange: @escaping Exchange) {
        self.names = names
        self.retryWindow = retryWindow
        self.exchange = exchange
    }

    /// The client over a connection.
    package init(names: BusNames, bus: AMQPClient) {
        self.init(names: names) { (queue, body, timeout) async throws(Failure) -> [UInt8] in
            do {
                return try await bus.call(routingKey: queue, body: body, timeout: timeout)
            } catch let error as AMQPError {
                throw Failure(error)
            } catch {
                throw .permanent("\(error)")
            }
        }
    }

    package func request(_ request: Request, to manager: Manager, deadline: Duration) async throws -> Reply {
        let clock = ContinuousClock()
        let start = clock.now
        let body = request.json.bytes
        var timeouts = 0
        while true {
            let elapsed = clock.now - start
            guard elapsed < deadline else { throw silent(manager) }
            do throws(Failure) {
                let timeout = timeouts == 0 ? min(deadline / 2, deadline - elapsed) : deadline - elapsed
                let bytes = try await exchange(names.requests(manager), body, timeout)
                do { return try Reply(json: try JSONValue(parsing: bytes)) } catch {
                    throw .permanent("its answer cannot be read: \(error)")
                }
            } catch {
                switch error {
                case .timedOut:
                    timeouts += 1
                    guard timeouts < 2 else { throw silent(manager) }
                case .unreachable:
                    guard clock.now - start < min(retryWindow, deadline) else {
                        throw Refusal.unavailable("\(manager.rawValue) does not take requests now; try again")
                    }
                    try await Task.sleep(for: .milliseconds(100))
                case .permanent(let problem):
                    throw ManagerFailure(description: problem)
                }
            }
        }
    }

    private func silent(_ manager: Manager) -> Refusal {
        .unavailable("\(manager.rawValue) did not answer in time; try again")
    }
}

/// Why a manager cannot be asked at all, for the log.
struct ManagerFailure: Error, CustomStringConvertible {
    let description: String
}

extension BusManagerClient.Failure {
    fileprivate init(_ error: AMQPError) {
        switch error.code {
        case .timedOut: self = .timedOut
        default: self = error.isRetriable ? .unreachable : .permanent(error.message)
        }
    }
}
