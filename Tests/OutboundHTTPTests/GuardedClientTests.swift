import OutboundHTTP
import TestSupport
import Testing

/// The client against real sockets on loopback, and against every spelling of loopback.
@Suite struct GuardedClientTests {
    private func client(_ rules: AddressRules, timeout: Duration = .seconds(5)) -> GuardedClient {
        GuardedClient(rules: rules, timeout: timeout)
    }

    private func get(_ url: String, _ client: GuardedClient) async -> Result<OutboundAnswer, OutboundError> {
        do throws(OutboundError) {
            return .success(try await client.send(OutboundRequest(method: "GET", url: url)))
        } catch {
            return .failure(error)
        }
    }

    private func error(_ url: String, _ client: GuardedClient) async -> OutboundError? {
        if case .failure(let error) = await get(url, client) { error } else { nil }
    }

    @Test(arguments: [
        "127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "0",
        "[::1]", "[::ffff:127.0.0.1]", "[::]", "0.0.0.0",
    ]) func noSpellingOfLoopbackSlipsThrough(_ host: String) async throws {
        let server = try await HookServer.start()
        let client = client(AddressRules())

        let error = await error("http://\(host):\(server.port)/", client)

        guard case .blocked? = error else {
            // Some resolvers do not know some spellings; nobody is reached either way.
            #expect(error == .unresolved(host: host.lowercased()), "\(host): \(String(describing: error))")
            return
        }
        #expect(server.requests.isEmpty)
        await client.shutDown()
        await server.stop()
    }

    @Test func whatIsAllowedIsReachedUnderItsName() async throws {
        let server = try await HookServer.start()
        let client = client(try AddressRules(allowing: "127.0.0.1,::1"))

        let answer = try await client.send(
            OutboundRequest(
                method: "POST",
                url: "http://localhost:\(server.port)/a?b=c",
                headers: [(name: "X-One", value: "1")],
                body: Array("hello".utf8)
            )
        )

        #expect(answer.status == 200)
        let request = try #require(server.requests.first)
        #expect(request.method == "POST" && request.target == "/a?b=c" && request.text == "hello")
        #expect(request.headers["host"] == "localhost:\(server.port)" && request.headers["x-one"] == "1")
        await client.shutDown()
        await server.stop()
    }

    @Test func redirectsAreAnswersAndAreNotFollowed() async throws {
        let server = try await HookServer.start()
        server.behave { _ in .redirect(to: "http://127.0.0.1:\(server.port)/elsewhere") }
        let client = client(try AddressRules(allowing: "127.0.0.1"))

        let answer = try await get("http://127.0.0.1:\(server.port)/", client).get()

        #expect(answer.status == 302 && server.requests.count == 1)
        await client.shutDown()
        await server.stop()
    }

    @Test func slowLargeAndMissingServersAreErrorsOfTheirOwn() async throws {
        let server = try await HookServer.start()
        let client = client(try AddressRules(allowing: "127.0.0.1"), timeout: .milliseconds(700))
        let url = "http://127.0.0.1:\(server.port)/"

        server.behave { _ in .silence }
        #expect(await error(url, client) == .timeout)
        server.behave { _ in .body(bytes: 1 << 20) }
        #expect(try await get(url, client).get().body.count == 1 << 20)
        server.behave { _ in .body(bytes: (1 << 20) + 1) }
        #expect(await error(url, client) == .tooLarge)
        await server.stop()
        guard case .refused? = await error(url, client) else {
            Issue.record("a server that is gone is \(String(describing: await error(url, client)))")
            return
        }
        guard case .unresolved? = await error("http://no-such-host.invalid/", client) else {
            Issue.record("a name that nobody has was not unresolved")
            return
        }
        await client.shutDown()
    }
}
