-- What a dialer-worker's journal has beside the tables of event-log.sql.
--
-- state is canonical JSON; version is that of the last event of the stream "attempt-<id>" that is in it.

-- The attempts that this journal has claimed or refused. live: the call is under way.
CREATE TABLE "attempt"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "live" INTEGER
) STRICT;
CREATE INDEX attempt_live ON attempt(id) WHERE live = 1;
