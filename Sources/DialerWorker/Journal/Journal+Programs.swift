import Contracts
import EventLog
import FlowEngine
import GRDB

/// The programs that the journal was given: kept for good, since campaign-manager gives each once.
extension Journal {
    private static let programType = "program_received"

    private static func stream(ofProgram id: ID) -> String { "program-\(id)" }

    /// Keeps `program`; nothing when it is there.
    static func keep(_ program: Program, _ turn: Turn, _ context: EventContext) throws {
        guard try Journal.program(program.id, turn) == nil else { return }
        _ = try turn.append(
            [NewEvent(type: programType, id: turn.ids.next(at: turn.now), data: program.json.bytes)],
            to: stream(ofProgram: program.id),
            expecting: .exactly(0),
            context: context
        )
    }

    /// The program of this id, or nil when it was never given.
    static func program(_ id: ID, _ turn: Turn) throws -> FlowProgram? {
        let events = try RecordedEvent.fetch(
            "WHERE stream = ? ORDER BY version LIMIT 1",
            [stream(ofProgram: id)],
            in: turn.database
        )
        guard let data = events.first?.data else { return nil }
        return FlowProgram(try Program(json: try JSONValue(parsing: data)))
    }
}

/// Programs as they were read from the journal: few, since each is asked for at every dial that names it.
struct ProgramCache: Sendable {
    private static let limit = 64
    private var programs: [ID: FlowProgram] = [:]
    private var order: [ID] = []

    mutating func find(_ id: ID, _ turn: Turn) throws -> FlowProgram? {
        if let known = programs[id] { return known }
        guard let found = try Journal.program(id, turn) else { return nil }
        if order.count == ProgramCache.limit { programs[order.removeFirst()] = nil }
        programs[id] = found
        order.append(id)
        return found
    }
}
