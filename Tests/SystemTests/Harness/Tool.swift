import Contracts
import TestSupport

/// What one run of the tool has said.
struct ToolRun {
    var status: Int32
    var output: String
    var errors: String

    /// The lines of `--json`.
    func objects() throws -> [JSONValue] {
        try output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    }
}

/// Runs the tool against the shared system, which it finds by its data directory.
func carillon(_ arguments: String..., environment: [String: String]? = nil) async throws -> ToolRun {
    let system = try await SharedSystem.current.system()
    let directory = try TemporaryDirectory()
    let program = try Program(
        "carillon",
        arguments,
        environment: environment ?? ["CARILLON_DATA_DIR": system.dataDirectory],
        directory: directory.path
    )
    let status = try await program.waitForExit(within: .seconds(60))
    return ToolRun(status: status, output: program.standardOutput, errors: program.standardError)
}
