import Contracts
import Foundation
import Service

extension Scenario {
    /// Reads a scenario file; throws a ``ConfigurationError`` that names the file and what is wrong in it.
    package init(path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ConfigurationError(
                "CARILLON_SIMULATOR_SCENARIO: \(path) cannot be read: check that it exists and its mode"
            )
        }
        do {
            self = try Scenario(json: try JSONValue(parsing: bytes))
        } catch {
            throw ConfigurationError("CARILLON_SIMULATOR_SCENARIO: \(path): \(error)")
        }
    }
}
