-- The tables that every event log has (format 1). Projections are further tables in the same file, one for each kind of
-- aggregate: id BLOB, version INTEGER, state TEXT (canonical JSON), and columns to search by.
--
-- Times are microseconds since 1970-01-01 UTC; ids are the 16 bytes of a UUID; hashes are the 32 bytes of a SHA-256.
-- The file is in WAL mode with synchronous=FULL. One connection may write or checkpoint it; read with mode=ro.

PRAGMA application_id = 0x4341524C;  -- "CARL"
PRAGMA user_version = 1;             -- the format

-- What happened. Rows are never changed, except that data and salt may be erased together.
--
--   data_hash = SHA-256(salt || data)
--   chain(0)  = SHA-256("carillon-event-log/1" || log id)            meta 'log_id', 16 bytes
--   chain(n)  = SHA-256(chain(n-1) || header(n) || data_hash(n))
--   header    = field(position) || field(stream) || field(version) || field(type) || field(schema) || field(event_id)
--               || field(correlation_id) || field(causation_id) || field(recorded_at) || field(actor)
--   field(x)  = length of x in bytes (4 bytes, big-endian) || x
--
-- In the header numbers are 8 bytes, big-endian, two's complement; texts are UTF-8; an absent causation_id is a field of
-- length 0. The chain covers data_hash and not data: erased events still prove that they were there, and without the
-- salt the hash of a short text tells nothing.
CREATE TABLE event(
    position INTEGER PRIMARY KEY,      -- 1, 2, 3 without gaps
    stream TEXT NOT NULL,              -- <category>-<id>
    version INTEGER NOT NULL,          -- 1, 2, 3 within the stream
    type TEXT NOT NULL,                -- past tense: campaign_started
    schema INTEGER NOT NULL,           -- of the data
    event_id BLOB NOT NULL UNIQUE,     -- UUIDv7
    correlation_id BLOB NOT NULL,      -- the request or delivery that began it
    causation_id BLOB,                 -- the message or event that caused it
    recorded_at INTEGER NOT NULL,
    data BLOB,                         -- canonical JSON; NULL once erased
    salt BLOB,                         -- 16 random bytes; NULL once erased
    data_hash BLOB NOT NULL,
    actor TEXT NOT NULL,               -- who asked
    chain BLOB NOT NULL,
    UNIQUE(stream, version)
) STRICT;
CREATE INDEX event_correlation ON event(correlation_id);

-- The messages that were applied: each once for each consumer. position: the first event that it could have led to. What
-- was applied more than 14 days ago is forgotten.
CREATE TABLE inbox(
    consumer TEXT NOT NULL,
    message_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY(consumer, message_id)
) STRICT, WITHOUT ROWID;

-- The timers that are armed; firing removes the row in the transaction that acts on it.
CREATE TABLE timer(
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    armed_at INTEGER NOT NULL,
    PRIMARY KEY(kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer(due_at);

-- How far each reader of the log has come: of the publishers "bus" (what the daemons tell each other) and "events" (what
-- other programs are told) it is the position whose messages are all confirmed.
CREATE TABLE cursor(name TEXT PRIMARY KEY NOT NULL, position INTEGER NOT NULL) STRICT;

-- log_id (16 bytes), created_at, verified_position and verified_chain: up to there an opening need not look.
-- A slice that was imported for reading has three more: slice (JSON: what was taken and what was left out), slice_runs
-- (48 bytes for each run of neighbours: its first and last position, 8 bytes each, big-endian, and the chain value before
-- it) and slice_partial (one a line, the streams that lack events). No daemon opens such a log.
CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;
