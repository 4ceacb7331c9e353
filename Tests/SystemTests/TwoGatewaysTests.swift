import Contracts
import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// Two gateways on one broker: either one answers everything.
    @Suite struct TwoGatewaysTests {
        /// A second gateway beside the one of `system`.
        private func startGateway(_ system: CarillonSystem, _ directory: String) async throws -> (Program, API) {
            let portFile = "\(directory)/port"
            let program = try Program(
                "api-gateway",
                ["--http-listen", "127.0.0.1:0", "--http-port-file", portFile],
                environment: ["CARILLON_AMQP_URL": try #require(system.report["amqp_url"].string)],
                directory: directory
            )
            try await eventually("the second gateway listens", within: .seconds(30)) {
                FileManager.default.fileExists(atPath: portFile)
            }
            let address = try String(contentsOfFile: portFile, encoding: .utf8)
            let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0.dropLast()) })
            let api = API(client: HTTPClient(port: port), accessKey: system.api.accessKey)
            try await eventually("the second gateway is ready", within: .seconds(30)) {
                try await api.client.send("GET", "/readyz", within: .seconds(5)).status == 200
            }
            return (program, api)
        }

        private func status(_ api: API, _ secret: String) async throws -> Int {
            let headers = ["Authorization": "Bearer \(secret)"]
            // Not `/me`: campaign-manager itself looks at the key there.
            let path = "/v1.0/outdials?page_size=1"
            return try await api.client.send("GET", path, headers: headers, within: .seconds(10)).status
        }

        @Test func whatOneMakesTheOtherHasAndNobodyMissesTheOneThatDies() async throws {
            let system = try await SharedSystem.current.system()
            let (program, second) = try await startGateway(system, system.directory.path)
            let first = system.api

            // A session of one is a session of the other: they sign with the same key.
            let file = try #require(FileManager.default.contents(atPath: "\(system.dataDirectory)/first-account.json"))
            let account = try JSONValue(parsing: Array(file))
            let body: JSONValue = ["username": account["username"], "password": account["password"]]
            for (one, other) in [(first, second), (second, first)] {
                let login = try await one.client.send("POST", "/auth/login", body: body.bytes, within: .seconds(30))
                let token = try #require(login.json["token"].string)
                #expect(try await status(one, token) == 200)
                #expect(try await status(other, token) == 200)
            }

            let made = try #require(try await second.call("POST", "/v1.0/outdials", ["name": "both"])["id"].id)
            #expect(try await first.get("/v1.0/outdials/\(made)") == second.get("/v1.0/outdials/\(made)"))
            #expect(try await first.list("/v1.0/outdials") == second.list("/v1.0/outdials"))

            // One dies in the middle of requests: what was answered is there, and the other one goes on.
            let (answered, open) = try await createUntilItDies(second, program)
            #expect(!answered.isEmpty)
            let listed = Set(try await first.list("/v1.0/outdials").compactMap { $0["id"].id })
            #expect(listed.isSuperset(of: answered))
            // An open request may or may not have been done: it was not answered.
            #expect(listed.count - answered.count >= 0 && open >= 0)
            try await first.call("POST", "/v1.0/outdials", ["name": "after"])
        }

        private func createUntilItDies(_ api: API, _ program: Program) async throws -> (answered: Set<ID>, open: Int) {
            try await withThrowingTaskGroup(of: (Set<ID>, Int).self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var made: Set<ID> = []
                        while true {
                            guard let answer = try? await api.answer("POST", "/v1.0/outdials", ["name": "dying"]) else {
                                return (made, 1)
                            }
                            #expect(answer.status == 200)
                            if let id = answer.json["id"].id { made.insert(id) }
                        }
                    }
                }
                try await Task.sleep(for: .milliseconds(500))
                program.signal(SIGKILL)
                var all: (Set<ID>, Int) = ([], 0)
                for try await (made, open) in group { all = (all.0.union(made), all.1 + open) }
                return all
            }
        }

        @Test func aDeletedKeyEndsAtBothWithinThirtySeconds() async throws {
            let system = try await SharedSystem.current.system()
            let (program, second) = try await startGateway(system, try makeDirectory(system))
            defer { program.signal(SIGTERM) }
            let made = try await system.api.call("POST", "/v1.0/accesskeys", ["name": "short"])
            let (id, token) = (try #require(made["id"].id), try #require(made["token"].string))
            for api in [system.api, second] { #expect(try await status(api, token) == 200) }
            try await system.api.call("DELETE", "/v1.0/accesskeys/\(id)")
            let deleted = ContinuousClock.now
            for api in [system.api, second] {
                try await eventually("the key has ended", within: .seconds(30)) { try await status(api, token) == 401 }
            }
            #expect(ContinuousClock.now - deleted < .seconds(30))
        }

        @Test func aGatewayStopsPolitelyWithAStreamOpen() async throws {
            let system = try await SharedSystem.current.system()
            let (program, second) = try await startGateway(system, try makeDirectory(system))
            let setup = try await system.api.makeCampaign([[number(905, 1, 1)]], tries: [1])
            let path = "/v1.0/campaigns/\(setup.id)/events?accesskey=\(second.accessKey)"
            // The stream has no end of its own: what comes is whole once the gateway has ended it.
            async let stream = second.client.send("GET", path, within: .seconds(30))
            try await Task.sleep(for: .milliseconds(500))
            program.signal(SIGTERM)
            #expect(try await program.waitForExit(within: .seconds(10)) == 0)
            let answer = try await stream
            #expect(answer.status == 200)
            #expect(String(decoding: answer.body, as: UTF8.self).contains("event: progress"))
        }

        private func makeDirectory(_ system: CarillonSystem) throws -> String {
            let path = system.directory.file("second-\(UInt32.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            return path
        }
    }
}
