/// The tables that every log has; the same text, with more words, is in `schemas/event-log.sql`.
enum EventLogSchema {
    /// "CARL": what `file(1)` and this program know a log by.
    static let applicationID: Int64 = 0x4341_524C

    /// The version of the tables below, kept in `user_version`.
    static let format: Int64 = 1

    /// The names of the tables below.
    static let tables = ["event", "inbox", "timer", "cursor", "meta"]

    static let statements = [
        """
        CREATE TABLE event(
            position INTEGER PRIMARY KEY,
            stream TEXT NOT NULL,
            version INTEGER NOT NULL,
            type TEXT NOT NULL,
            schema INTEGER NOT NULL,
            event_id BLOB NOT NULL UNIQUE,
            correlation_id BLOB NOT NULL,
            causation_id BLOB,
            recorded_at INTEGER NOT NULL,
            data BLOB,
            salt BLOB,
            data_hash BLOB NOT NULL,
            actor TEXT NOT NULL,
            chain BLOB NOT NULL,
            UNIQUE(stream, version)
        ) STRICT
        """,
        "CREATE INDEX event_correlation ON event(correlation_id)",
        """
        CREATE TABLE inbox(
            consumer TEXT NOT NULL,
            message_id BLOB NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY(consumer, message_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE timer(
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            due_at INTEGER NOT NULL,
            armed_at INTEGER NOT NULL,
            PRIMARY KEY(kind, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX timer_due ON timer(due_at)",
        "CREATE TABLE cursor(name TEXT PRIMARY KEY NOT NULL, position INTEGER NOT NULL) STRICT",
        "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT",
    ]
}
