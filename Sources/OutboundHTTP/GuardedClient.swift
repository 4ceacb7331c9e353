import AsyncHTTPClient
import Contracts
import NIOCore
import NIOHTTP1

/// Speaks HTTP with servers that customers name, and reaches nothing that is not theirs to reach.
///
/// It looks the host up once, checks every address against ``AddressRules``, and connects to exactly what it has checked,
/// so that a name that resolves to something else a moment later changes nothing. It follows no redirect, sends no
/// cookie, uses no proxy, takes 5 s in all and reads 1 MiB of an answer.
package final class GuardedClient: Sendable {
    private let rules: AddressRules
    private let timeout: Duration
    private let answerLimit: Int
    private let resolver: Resolver
    private let shelf = ClientShelf()

    package init(rules: AddressRules, timeout: Duration = .seconds(5), answerLimit: Int = 1 << 20) {
        self.rules = rules
        self.timeout = timeout
        self.answerLimit = answerLimit
        resolver = Resolver()
    }

    /// Ends connections and threads. Requests under way end first.
    package func shutDown() async {
        await shelf.shutDown()
        await resolver.shutDown()
    }

    /// Sends a request once and answers with what came back, whatever its status.
    package func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundAnswer {
        let url = try OutboundURL(request.url)
        let result = await withTaskGroup(of: Result<OutboundAnswer, OutboundError>.self) { group in
            group.addTask { await self.answer(request, url) }
            group.addTask { [timeout] in
                try? await Task.sleep(for: timeout)
                return .failure(.timeout)
            }
            let first = await group.next() ?? .failure(.timeout)
            group.cancelAll()
            return first
        }
        return try result.get()
    }

    private func answer(_ request: OutboundRequest, _ url: OutboundURL) async -> Result<OutboundAnswer, OutboundError> {
        let addresses: [IPAddress]
        do throws(OutboundError) {
            addresses = try await resolver.addresses(of: url.host, for: request.customer)
        } catch {
            return .failure(error)
        }
        guard !addresses.isEmpty else { return .failure(.unresolved(host: url.host)) }
        // One that is not allowed among them: somebody is playing with the name.
        if let address = addresses.first(where: { !rules.allows($0, of: url.host) }) {
            return .failure(.blocked(address: address.description))
        }
        var failure = OutboundError.unresolved(host: url.host)
        // A machine without IPv6 still reaches who has both.
        for address in addresses.prefix(3) {
            do throws(OutboundError) {
                return .success(try await send(request, url, to: address))
            } catch {
                failure = error
                guard case .refused = error else { break }
            }
        }
        return .failure(failure)
    }

    private func send(
        _ request: OutboundRequest,
        _ url: OutboundURL,
        to address: IPAddress
    ) async throws(OutboundError) -> OutboundAnswer {
        let key = ClientShelf.Key(host: url.hostInURL, address: address)
        let client = shelf.take(key)
        let result = await exchange(request, url, client)
        await shelf.giveBack(key)
        return try result.get()
    }

    private func exchange(
        _ request: OutboundRequest,
        _ url: OutboundURL,
        _ client: HTTPClient
    ) async -> Result<OutboundAnswer, OutboundError> {
        var outgoing = HTTPClientRequest(url: url.description)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if !request.body.isEmpty { outgoing.body = .bytes(request.body) }
        do {
            let response = try await client.execute(outgoing, deadline: .now() + TimeAmount(timeout))
            // A body that is not read has its connection closed.
            let body = request.wantsBody ? try await response.body.collect(upTo: answerLimit) : ByteBuffer()
            return .success(
                OutboundAnswer(
                    status: Int(response.status.code),
                    headers: response.headers.map { (name: $0.name, value: $0.value) },
                    body: Array(body.readableBytesView)
                )
            )
        } catch is NIOTooManyBytesError {
            return .failure(.tooLarge)
        } catch {
            return .failure(GuardedClient.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> OutboundError {
        if error is CancellationError { return .timeout }
        if error is IOError || error is ChannelError { return .refused("\(error)") }
        guard let error = error as? HTTPClientError else {
            return isConnectFailure(error) ? .refused("\(error)") : .failed("\(error)")
        }
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout, .cancelled: return .timeout
        case .connectTimeout: return .refused("no connection in time")
        default: return .failed("\(error)")
        }
    }

    private static func isConnectFailure(_ error: any Error) -> Bool { "\(type(of: error))" == "NIOConnectionError" }
}
