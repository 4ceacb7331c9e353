import Contracts
import Foundation

/// The simulator's ledger: one line for each call that was placed.
struct LedgerFile: Hashable, Sendable {
    /// The attempts, one for each line.
    var attempts: [ID] = []
    /// The calls that flows placed, each with the attempt whose flow it was.
    var legs: [Leg] = []
    /// Lines that are no ledger lines.
    var unreadable = 0

    struct Leg: Hashable, Sendable {
        var id: ID
        var owner: ID
    }

    /// The ledger that was given, else the one beside the logs; nil when there is none.
    static func find(_ option: String?, dataDirectory: String) throws(ToolError) -> LedgerFile? {
        if let option {
            guard let data = FileManager.default.contents(atPath: option) else {
                throw .configuration("--ledger \(option) cannot be read; give the file of CARILLON_SIMULATOR_LEDGER")
            }
            return LedgerFile(data)
        }
        let named = ProcessInfo.processInfo.environment["CARILLON_SIMULATOR_LEDGER"]
        for path in [named, dataDirectory + "/ledger.jsonl"].compactMap({ $0 }) {
            if let data = FileManager.default.contents(atPath: path) { return LedgerFile(data) }
        }
        return nil
    }

    init() {}

    init(_ bytes: some Collection<UInt8>) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // A last line without its newline is being written at this moment.
        if !lines.isEmpty { lines.removeLast() }
        for line in lines where !line.isEmpty {
            let document = try? JSONValue(parsing: line)
            if let id = document?["attempt_id"].id {
                if let owner = document?["leg_of"].id {
                    legs.append(Leg(id: id, owner: owner))
                } else {
                    attempts.append(id)
                }
            } else {
                unreadable += 1
            }
        }
    }
}
