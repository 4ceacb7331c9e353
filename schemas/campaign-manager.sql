-- What campaign-manager's log has beside the tables of event-log.sql: the rows of each kind of object, and counts.
--
-- state is canonical JSON; version is that of the last event of the stream "<table>-<id>" that is in it; the further
-- columns are parts of the state to search by. Times are microseconds since 1970-01-01 UTC, ids 16 bytes.

CREATE TABLE "customer"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;

CREATE TABLE "agent"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "username" TEXT,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE UNIQUE INDEX agent_username ON agent(username);
CREATE INDEX agent_list ON agent(customer_id, created_at);

-- token_hash: SHA-256 of the token, hexadecimal.
CREATE TABLE "accesskey"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "token_hash" TEXT,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE UNIQUE INDEX accesskey_token ON accesskey(token_hash);
CREATE INDEX accesskey_list ON accesskey(customer_id, created_at);

CREATE TABLE "outplan"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX outplan_list ON outplan(customer_id, created_at);

CREATE TABLE "campaign"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "status" TEXT,
    "outplan_id" BLOB,
    "next_due" INTEGER,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX campaign_next_due ON campaign(next_due) WHERE next_due = 1;
CREATE INDEX campaign_list ON campaign(customer_id, created_at);
CREATE INDEX campaign_active ON campaign(status) WHERE status <> 'stop';

-- bucket: dialing, answered, done or not_dialed.
CREATE TABLE "campaigncall"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "campaign_id" BLOB,
    "journal" BLOB,
    "call_id" BLOB,
    "bucket" TEXT,
    "outdial_id" BLOB,
    "target_id" BLOB,
    "hangup_reason" TEXT,
    "result" TEXT,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX campaigncall_list ON campaigncall(customer_id, created_at);
CREATE INDEX campaigncall_campaign ON campaigncall(campaign_id, created_at);
CREATE INDEX campaigncall_call ON campaigncall(call_id);
CREATE INDEX campaigncall_target ON campaigncall(target_id);
CREATE INDEX campaigncall_open ON campaigncall(journal) WHERE bucket IN ('dialing', 'answered');

CREATE TABLE "queue"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX queue_list ON queue(customer_id, created_at);

CREATE TABLE "flow"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX flow_list ON flow(customer_id, created_at);

-- One row: whether anybody at all may be dialed.
CREATE TABLE "system"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- The registry: one row for each journal that ever registered.
CREATE TABLE "worker"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "status" TEXT
) STRICT;

-- How many campaigncalls of a campaign are in which bucket, and how many open ones a journal has; kept by triggers, so
-- that counts and rows cannot differ.
CREATE TABLE call_count(
    campaign_id BLOB NOT NULL, bucket TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (campaign_id, bucket)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal_count(journal BLOB PRIMARY KEY, open INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER call_counted AFTER INSERT ON campaigncall BEGIN
    INSERT INTO call_count VALUES (NEW.campaign_id, NEW.bucket, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    INSERT INTO journal_count
        SELECT NEW.journal, 1 WHERE NEW.bucket IN ('dialing', 'answered')
        ON CONFLICT DO UPDATE SET open = open + 1;
END;
CREATE TRIGGER call_recounted AFTER UPDATE OF bucket ON campaigncall WHEN OLD.bucket <> NEW.bucket BEGIN
    UPDATE call_count SET calls = calls - 1 WHERE campaign_id = OLD.campaign_id AND bucket = OLD.bucket;
    INSERT INTO call_count VALUES (NEW.campaign_id, NEW.bucket, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    UPDATE journal_count SET open = open - 1
        WHERE journal = OLD.journal AND NEW.bucket IN ('done', 'not_dialed');
END;

-- The highest position of each journal that was ever reported: a restored copy shows by a lower one.
CREATE TABLE journal_seen(journal BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;

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
