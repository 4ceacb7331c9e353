import APIGateway
import Contracts
import Testing

@Suite struct BusManagerClientTests {
    private actor Tries {
        var timeouts: [Duration] = []
        func add(_ timeout: Duration) -> Int {
            timeouts.append(timeout)
            return timeouts.count
        }
    }

    private let request = Request(method: "m", customerID: .none, actor: "test", correlation: .none, params: [:])
    private let names = BusNames(prefix: "carillon")

    @Test func nobodyListeningIsTriedAgainForAWhile() async throws {
        let tries = Tries()
        let client = BusManagerClient(names: names) {
            (queue, _, timeout) async throws(BusManagerClient.Failure) -> [UInt8] in
            guard await tries.add(timeout) > 2 else { throw .unreachable }
            return Array(#"{"result":{"queue":"\#(queue)"}}"#.utf8)
        }
        let reply = try await client.request(request, to: .outdial, deadline: .seconds(5))
        #expect(reply == .result(["queue": "carillon.outdial-manager.requests"]))
    }

    @Test func nobodyAtAllEndsWithinTheWindow() async throws {
        let client = BusManagerClient(names: names, retryWindow: .milliseconds(250)) {
            (_, _, _) async throws(BusManagerClient.Failure) -> [UInt8] in throw .unreachable
        }
        let start = ContinuousClock.now
        await #expect(throws: Refusal.self) {
            _ = try await client.request(request, to: .campaign, deadline: .seconds(5))
        }
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test func silenceIsAskedOnceMoreAndNoMore() async throws {
        let tries = Tries()
        let client = BusManagerClient(names: names) {
            (_, _, timeout) async throws(BusManagerClient.Failure) -> [UInt8] in
            _ = await tries.add(timeout)
            throw .timedOut
        }
        do {
            _ = try await client.request(request, to: .campaign, deadline: .seconds(5))
            Issue.record("there was no answer")
        } catch let refusal as Refusal {
            #expect(refusal.status == .unavailable && refusal.message.contains("campaign-manager"))
        }
        #expect(await tries.timeouts.count == 2)
        #expect(await tries.timeouts.first == .milliseconds(2500))
    }
}
