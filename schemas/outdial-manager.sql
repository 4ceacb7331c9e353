-- What outdial-manager's log has beside the tables of event-log.sql: outdials, targets, how many targets
-- are where, do-not-call lists, and which number was called when.
--
-- state is canonical JSON; version is that of the last event of the stream "<table>-<id>" that is in it; the further
-- columns are parts of the state to search by. Times are microseconds since 1970-01-01 UTC, ids 16 bytes.

CREATE TABLE "outdial"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "claimed" INTEGER,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX outdial_list ON outdial(customer_id, created_at);
CREATE INDEX outdial_claimed ON outdial(claimed) WHERE claimed = 1;

-- held_number: that of the attempt under way; one row of a customer has it at a time. blocked_number: the one that it
-- waits for. deferred: something stands against a call. calls: the latest call to each number, an object of moments.
-- bucket: idle, progressing, success, fail or deleted. selectable: it waits to be leased, now or from due_at on.
-- tried: whether a try was used; those that were never tried come first.
CREATE TABLE "target"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "outdial_id" BLOB,
    "bucket" TEXT,
    "selectable" INTEGER,
    "priority" INTEGER,
    "tried" INTEGER,
    "due_at" INTEGER,
    "tries" INTEGER,
    "name" TEXT,
    "result_reason" TEXT,
    "first_destination" TEXT,
    "created_at" INTEGER,
    "is_deleted" INTEGER,
    "customer_id" BLOB,
    "held_number" TEXT,
    "blocked_number" TEXT,
    "deferred" INTEGER,
    "calls" TEXT
) STRICT;
CREATE INDEX target_selection ON target(outdial_id, priority, tried, due_at) WHERE selectable = 1;
CREATE INDEX target_leased ON target(outdial_id) WHERE bucket = 'progressing';
CREATE INDEX target_destination ON target(outdial_id, first_destination);
CREATE INDEX target_list ON target(outdial_id, created_at);
CREATE INDEX target_held ON target(customer_id, held_number) WHERE held_number IS NOT NULL;
CREATE INDEX target_blocked ON target(customer_id, blocked_number) WHERE blocked_number IS NOT NULL;
CREATE INDEX target_deferred ON target(outdial_id) WHERE deferred = 1;

-- Do-not-call lists; of the whole installation: customer_id is nil.
CREATE TABLE "dnclist"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX dnclist_list ON dnclist(customer_id, created_at);

-- Their numbers; customer_id is that of the list.
CREATE TABLE "dncnumber"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "list_id" BLOB,
    "customer_id" BLOB,
    "number" TEXT,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX dncnumber_lookup ON dncnumber(number, customer_id) WHERE is_deleted = 0;
CREATE INDEX dncnumber_list ON dncnumber(list_id, created_at);

-- How many targets of an outdial are in which bucket; kept by triggers, so that counts and rows cannot differ.
CREATE TABLE target_count(
    outdial_id BLOB NOT NULL, bucket TEXT NOT NULL, targets INTEGER NOT NULL,
    PRIMARY KEY (outdial_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER target_counted AFTER INSERT ON target BEGIN
    INSERT INTO target_count VALUES (NEW.outdial_id, NEW.bucket, 1)
        ON CONFLICT DO UPDATE SET targets = targets + 1;
END;
CREATE TRIGGER target_recounted AFTER UPDATE OF bucket ON target WHEN OLD.bucket <> NEW.bucket BEGIN
    UPDATE target_count SET targets = targets - 1 WHERE outdial_id = OLD.outdial_id AND bucket = OLD.bucket;
    INSERT INTO target_count VALUES (NEW.outdial_id, NEW.bucket, 1)
        ON CONFLICT DO UPDATE SET targets = targets + 1;
END;

-- When each number of a customer was called last; kept by triggers from the calls of its targets.
CREATE TABLE number_called(
    customer_id BLOB NOT NULL, number TEXT NOT NULL, ended_at INTEGER NOT NULL,
    PRIMARY KEY (customer_id, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER target_call_noted AFTER INSERT ON target WHEN NEW.calls IS NOT NULL BEGIN
    INSERT INTO number_called SELECT NEW.customer_id, key, value FROM json_each(NEW.calls) WHERE true
        ON CONFLICT DO UPDATE SET ended_at = max(ended_at, excluded.ended_at);
END;
CREATE TRIGGER target_call_renoted AFTER UPDATE OF calls ON target WHEN NEW.calls IS NOT OLD.calls BEGIN
    INSERT INTO number_called SELECT NEW.customer_id, key, value FROM json_each(NEW.calls) WHERE true
        ON CONFLICT DO UPDATE SET ended_at = max(ended_at, excluded.ended_at);
END;

-- What was answered to requests with an Idempotency-Key, for 24 hours. fingerprint: of the client's document.
CREATE TABLE answered_request(
    customer_id BLOB NOT NULL,
    path TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY(customer_id, path, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answered_request_age ON answered_request(created_at);
