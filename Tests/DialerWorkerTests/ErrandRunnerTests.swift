import Contracts
import Service
import Testing

@testable import DialerWorker

@Suite("The errands of flows")
struct ErrandRunnerTests {
    /// Answers by the last part of the address: a status, or a failure.
    private final class Servers: WebClient {
        let asked = Locked<[String]>([])
        let isShutDown = Locked(false)

        func send(_ request: WebRequest) async -> WebResult {
            asked.withLock { $0.append("\(request.method) \(request.url)") }
            guard let status = request.url.split(separator: "/").last.flatMap({ Int($0) }) else {
                return .failed(reason: "blocked")
            }
            return .answered(status: status, body: "")
        }

        func shutDown() async { isShutDown.value = true }
    }

    private struct NoMessages: MessageTransport {
        func send(_ errands: [FlowErrand]) -> [String?] { errands.map { _ in nil } }
    }

    private func outcome(of what: FlowErrand.What, _ servers: Servers) async throws -> ErrandOutcome? {
        let (inputs, continuation) = AsyncStream.makeStream(of: [WorkerInput].self)
        let runner = ErrandRunner(messages: NoMessages(), web: servers)
        runner.connect { continuation.yield($0) }
        let errand = FlowErrand(
            attempt: Sample.attempt(1),
            number: 4,
            campaign: Sample.campaign,
            customer: Sample.customer,
            target: Sample.target,
            what: what
        )
        let running = Task { try await runner.run() }
        runner.begin([errand])
        var iterator = inputs.makeAsyncIterator()
        let first = await iterator.next()?.first
        running.cancel()
        try await running.value
        guard case .errandDone(Sample.attempt(1), 4, let outcome)? = first else { return nil }
        return outcome
    }

    @Test func onlyFilesThatAreThereAreFound() async throws {
        let servers = Servers()
        let urls = ["200", "404", "x", "405"].map { "https://example.com/\($0)" }
        let found = try await outcome(of: .files(urls), servers)
        #expect(found == .found([urls[0], urls[3]], problem: "2 of 4 not played: status 404"))
        #expect(servers.asked.value == urls.map { "HEAD \($0)" })
        let all = try await outcome(of: .files([urls[0]]), servers)
        #expect(all == .found([urls[0]], problem: nil))
    }

    @Test func theClientIsShutDownWithTheDaemon() async throws {
        let servers = Servers()
        let request = WebRequest(method: "GET", url: "https://example.com/x", contentType: "", body: "")
        #expect(try await outcome(of: .web(request), servers) == .failed(reason: "blocked"))
        #expect(servers.isShutDown.value)
    }
}
