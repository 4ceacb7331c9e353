import AsyncHTTPClient
import NIOConcurrencyHelpers
import NIOCore

/// HTTP clients, each bound to one host at one checked address: what a client has connected to once needs no second look.
///
/// The library maps names to addresses for a whole client only. Those that are used again and again keep their
/// connections for a moment; the rest are closed, so that there are at most `limit` idle ones.
final class ClientShelf: Sendable {
    struct Key: Hashable, Sendable {
        var host: String
        var address: IPAddress
    }

    private struct Entry {
        var client: HTTPClient
        var users = 0
        var lastUse = 0
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var uses = 0
        var isClosed = false
    }

    private let limit: Int
    private let state = NIOLockedValueBox(State())

    init(limit: Int = 64) { self.limit = limit }

    func take(_ key: Key) -> HTTPClient {
        state.withLockedValue { state in
            state.uses += 1
            var entry = state.entries[key] ?? Entry(client: ClientShelf.make(key))
            entry.users += 1
            entry.lastUse = state.uses
            state.entries[key] = entry
            return entry.client
        }
    }

    func giveBack(_ key: Key) async {
        let surplus: [HTTPClient] = state.withLockedValue { state in
            state.entries[key]?.users -= 1
            var surplus: [HTTPClient] = []
            while state.entries.count > limit || state.isClosed {
                let idle = state.entries.filter { $0.value.users <= 0 }.min { $0.value.lastUse < $1.value.lastUse }
                guard let idle else { break }
                state.entries[idle.key] = nil
                surplus.append(idle.value.client)
            }
            return surplus
        }
        for client in surplus { try? await client.shutdown() }
    }

    /// Closes all that nobody uses, and the others when they are given back.
    func shutDown() async {
        let idle = state.withLockedValue { state in
            state.isClosed = true
            let idle = state.entries.filter { $0.value.users <= 0 }
            for key in idle.keys { state.entries[key] = nil }
            return idle.values.map(\.client)
        }
        for client in idle { try? await client.shutdown() }
    }

    private static func make(_ key: Key) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(3)
        configuration.connectionPool.idleTimeout = .seconds(10)
        // Customers of one host share its client, and must not wait for each other.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
        configuration.connectionPool.retryConnectionEstablishment = false
        // The name stays for the certificate, SNI and the Host header; the connection goes to the address.
        configuration.dnsOverride = [key.host: key.address.description]
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}
