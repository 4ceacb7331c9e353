import GRDB

/// The writer's statements, prepared once: looking one up by its text would cost as much as running it.
struct LogStatements {
    let insertEvent: PreparedStatement
    let deleteEventsAfter: PreparedStatement
    let streamVersion: PreparedStatement
    let eventByID: PreparedStatement
    let overwriteStream: PreparedStatement
    let eraseStream: PreparedStatement
    let admit: PreparedStatement
    let inboxSlice: PreparedStatement
    let forget: PreparedStatement
    let timeOfEvent: PreparedStatement
    let armTimer: PreparedStatement
    let cancelTimer: PreparedStatement
    let dueTimers: PreparedStatement
    let nextDue: PreparedStatement
    let readCursor: PreparedStatement
    let writeCursor: PreparedStatement
    let writeMeta: PreparedStatement

    init(_ db: Database) throws {
        func prepare(_ sql: String) throws -> PreparedStatement { PreparedStatement(try db.makeStatement(sql: sql)) }
        insertEvent = try prepare(
            """
            INSERT INTO event(position, stream, version, type, schema, event_id, correlation_id, causation_id,
                recorded_at, actor, data, salt, data_hash, chain)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        deleteEventsAfter = try prepare("DELETE FROM event WHERE position > ?")
        streamVersion = try prepare("SELECT version FROM event WHERE stream = ? ORDER BY version DESC LIMIT 1")
        eventByID = try prepare("SELECT position, stream FROM event WHERE event_id = ?")
        overwriteStream = try prepare(
            "UPDATE event SET data = zeroblob(length(data)), salt = zeroblob(length(salt)) WHERE stream = ?"
        )
        eraseStream = try prepare("UPDATE event SET data = NULL, salt = NULL WHERE stream = ?")
        admit = try prepare("INSERT INTO inbox(consumer, message_id, position) VALUES (?, ?, ?)")
        inboxSlice = try prepare(
            """
            SELECT consumer, message_id, position FROM inbox WHERE (consumer, message_id) > (?, ?)
            ORDER BY consumer, message_id LIMIT ?
            """
        )
        forget = try prepare("DELETE FROM inbox WHERE consumer = ? AND message_id = ?")
        timeOfEvent = try prepare("SELECT recorded_at FROM event WHERE position = ?")
        armTimer = try prepare(
            """
            INSERT INTO timer(kind, key, due_at, armed_at) VALUES (?, ?, ?, ?)
            ON CONFLICT(kind, key) DO UPDATE SET due_at = excluded.due_at, armed_at = excluded.armed_at
            """
        )
        cancelTimer = try prepare("DELETE FROM timer WHERE kind = ? AND key = ?")
        dueTimers = try prepare(
            "SELECT kind, key, due_at FROM timer WHERE due_at <= ? ORDER BY due_at, kind, key LIMIT ?"
        )
        nextDue = try prepare("SELECT due_at FROM timer ORDER BY due_at LIMIT 1")
        readCursor = try prepare("SELECT position FROM cursor WHERE name = ?")
        writeCursor = try prepare(
            """
            INSERT INTO cursor(name, position) VALUES (?, ?)
            ON CONFLICT(name) DO UPDATE SET position = excluded.position
            """
        )
        writeMeta = try prepare(
            "INSERT INTO meta(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value"
        )
    }
}
