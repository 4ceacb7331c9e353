import Contracts
import Crypto
import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// What happens is told over HTTP, to real servers.
    @Suite struct WebhookTests {
        @Test func customersAreToldOverHTTPWhateverBecomesOfOthersOrOfUs() async throws {
            let (mine, theirs) = (try await HookServer.start(), try await HookServer.start())
            theirs.behave { _ in .silence }
            try await withSystem(environment: ["CARILLON_OUTBOUND_ALLOW": "127.0.0.1"]) { system in
                // Nobody has a webhook: nobody is told.
                let first = try await plan("before", system.api)
                let secret = try await setHook(mine, system.api)
                #expect(try await system.api.get("/v1.0/customer")["webhook_secret"].isNull, "shown once")
                let other = try await anotherCustomer(system)
                _ = try await setHook(theirs, other)
                try await awaitBinding(mine, system.api)
                #expect(mine.events.allSatisfy { $0["data"]["id"].id != first })

                // The other's server answers nothing; mine is told all the same, signed, and of nobody else.
                mine.forget()
                let plan = try await plan("told", system.api)
                _ = try await self.plan("not told", other)
                try await mine.awaitEvent("outplan_created", of: plan)
                let request = try #require(mine.requests.first { $0.text.contains("\(plan)") })
                try expectSigned(request, secret)
                #expect(request.method == "POST")
                #expect(request.headers["content-type"] == "application/cloudevents+json")
                let own = try await system.api.get("/v1.0/customer")["id"].id
                #expect(mine.events.allSatisfy { $0["customerid"].id == own })

                // A redirect is no delivery, and is not followed. What fails comes again, after a crash of ours as well.
                let elsewhere = theirs.requests.count
                mine.behave { _ in .redirect(to: "http://127.0.0.1:\(theirs.port)/stolen") }
                let late = try await self.plan("late", system.api)
                try await mine.awaitEvent("outplan_created", of: late)
                try await system.killAndAwaitRestart("campaign-manager")
                mine.behave { _ in .status(200) }
                mine.forget()
                try await mine.awaitEvent("outplan_created", of: late)
                #expect(!theirs.requests.dropFirst(elsewhere).contains { $0.target == "/stolen" })

                // A new secret signs what comes then.
                let renewed = try await system.api.call("POST", "/v1.0/customer/webhook_secret")
                let next = try #require(renewed["webhook_secret"].string)
                #expect(next != secret && next.count == 64)
                mine.forget()
                let last = try await self.plan("last", system.api)
                try await mine.awaitEvent("outplan_created", of: last)
                try expectSigned(try #require(mine.requests.first { $0.text.contains("\(last)") }), next)
                for secret in [secret, next] { #expect(!mine.requests.contains { $0.text.contains(secret) }) }
            }
            await mine.stop()
            await theirs.stop()
        }

        private func plan(_ name: String, _ api: API) async throws -> ID {
            try #require(try await api.call("POST", "/v1.0/outplans", ["name": .string(name)])["id"].id)
        }

        private func setHook(_ server: HookServer, _ api: API) async throws -> String {
            let body: JSONValue = ["webhook_uri": .string("http://127.0.0.1:\(server.port)/hooks")]
            return try #require(try await api.call("PUT", "/v1.0/customer", body)["webhook_secret"].string)
        }

        private func anotherCustomer(_ system: CarillonSystem) async throws -> API {
            let body: JSONValue = ["name": "Other", "username": "other", "password": "long enough"]
            let made = try await system.api.call("POST", "/v1.0/customers", body)
            return API(client: system.api.client, accessKey: try #require(made["accesskey"]["token"].string))
        }

        /// What was recorded before the queue was bound is told to nobody.
        private func awaitBinding(_ server: HookServer, _ api: API) async throws {
            try await eventually("the webhook is in use", within: .seconds(10)) {
                _ = try await plan("probe", api)
                return !server.requests.isEmpty
            }
        }

        private func expectSigned(_ request: HookServer.Request, _ secret: String) throws {
            let time = try #require(request.headers["carillon-timestamp"])
            let key = SymmetricKey(data: Data(secret.utf8))
            let code = HMAC<SHA256>.authenticationCode(for: Data("\(time).".utf8) + Data(request.body), using: key)
            let text = code.map { String(format: "%02x", $0) }.joined()
            #expect(request.headers["carillon-signature"] == "sha256=\(text)")
            let event = try JSONValue(parsing: request.body)
            #expect(request.headers["carillon-event-id"] == event["id"].string)
            #expect(event["specversion"].string == "1.0")
        }
    }
}

extension HookServer {
    fileprivate var events: [JSONValue] { requests.compactMap { try? JSONValue(parsing: $0.body) } }

    fileprivate func awaitEvent(_ type: String, of id: ID) async throws {
        try await eventually("\(type) of \(id) is told", within: .seconds(15)) {
            events.contains { $0["type"].string == type && $0["data"]["id"].id == id }
        }
    }
}
