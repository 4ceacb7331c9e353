import Contracts
import Foundation
import Glibc
import TestSupport
import Testing

extension SystemTests {
    /// What goes wrong at the start is said in one line, with a status that scripts can rely on.
    @Suite struct ClearFailureTests {
        @Test func anUnknownOptionIs78() async throws {
            for name in ["dialer-worker", "campaign-manager", "outdial-manager", "api-gateway"] {
                try await expectFailure(name, ["--bogus"], status: 78, naming: "--bogus")
            }
        }

        @Test func aPortInUseIsNamed() async throws {
            let system = try await SharedSystem.current.system()
            let port = system.api.client.port
            let url = try #require(system.report["amqp_url"].string)
            let variables = ["CARILLON_AMQP_URL": url, "CARILLON_HTTP_LISTEN": "127.0.0.1:\(port)"]
            try await expectFailure("api-gateway", [], variables, status: 1, naming: "\(port)")
        }

        @Test func aTypingErrorInTheScenarioIsNamed() async throws {
            let directory = try TemporaryDirectory()
            let scenario = directory.file("bad.json")
            try "{\"seed\": 1, \"time_scal\": 2}".write(toFile: scenario, atomically: true, encoding: .utf8)
            let arguments = up(directory) + ["--scenario", scenario]
            try await expectFailure("carillon", arguments, directory, status: 78, naming: "time_scal")
        }

        @Test func aDataDirectoryThatIsAFileIsNamed() async throws {
            let directory = try TemporaryDirectory()
            try "".write(toFile: directory.file("data"), atomically: true, encoding: .utf8)
            try await expectFailure("carillon", up(directory), directory, status: 1, naming: directory.file("data"))
        }

        @Test func aDataDirectoryInUseIsNamed() async throws {
            let system = try await SharedSystem.current.system()
            let arguments = ["up", "--data-dir", system.dataDirectory, "--http", "127.0.0.1:0", "--json"]
            try await expectFailure("carillon", arguments, status: 1, naming: system.dataDirectory)
        }

        @Test func aBrokerThatCannotBeReachedIsNamed() async throws {
            let directory = try TemporaryDirectory()
            let arguments = up(directory) + ["--amqp-url", "amqp://127.0.0.1:1"]
            try await expectFailure("carillon", arguments, directory, status: 1, naming: "127.0.0.1:1")
        }

        private func up(_ directory: TemporaryDirectory) -> [String] {
            ["up", "--data-dir", directory.file("data"), "--http", "127.0.0.1:0", "--json"]
        }

        /// Runs a program that has to fail by itself.
        private func expectFailure(
            _ name: String,
            _ arguments: [String],
            _ variables: [String: String] = [:],
            _ given: TemporaryDirectory? = nil,
            status: Int32,
            naming: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let directory = try given ?? TemporaryDirectory()
            let environment = ["CARILLON_LOG_FORMAT": "text", "CARILLON_DATA_DIR": directory.file("data")]
                .merging(variables) { $1 }
            let program = try Program(name, arguments, environment: environment, directory: directory.path)
            let ended = try await program.waitForExit(within: .seconds(30))
            let said = program.standardError
            #expect(ended == status, "\(said)", sourceLocation: sourceLocation)
            #expect(program.standardOutput == "", sourceLocation: sourceLocation)
            // Notes of what takes long come before; what went wrong is the last line, and the only one of its kind.
            let lines = said.split(separator: "\n").filter { !$0.contains("waiting for") }
            #expect(lines.count == 1, "\(said)", sourceLocation: sourceLocation)
            #expect(lines.last?.contains(naming) == true, "\(said)", sourceLocation: sourceLocation)
            expectNoStackTrace(said, sourceLocation: sourceLocation)
            let left = Leftovers.processes(of: directory.path)
            #expect(left.isEmpty, "\(left)", sourceLocation: sourceLocation)
        }

        private func expectFailure(
            _ name: String,
            _ arguments: [String],
            _ directory: TemporaryDirectory,
            status: Int32,
            naming: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            try await expectFailure(
                name,
                arguments,
                [:],
                directory,
                status: status,
                naming: naming,
                sourceLocation: sourceLocation
            )
        }
    }
}
