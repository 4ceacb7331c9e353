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
    state TEXT NOT NULL /* form 2 */,
    "customer_id" BLOB,
    "username" TEXT,
    "can_be_rung" INTEGER,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE UNIQUE INDEX agent_username ON agent(username);
CREATE INDEX agent_list ON agent(customer_id, created_at);
CREATE INDEX agent_available ON agent(customer_id) WHERE can_be_rung = 1;

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

-- bucket: dialing, answered, done or not_dialed. needed_queue_id: the queue of whose agents it may still need one.
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
    "needed_queue_id" BLOB,
    "was_answered" INTEGER,
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

-- The callers who came to queues; the lengths of time are in milliseconds.
CREATE TABLE "queuecall"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    "customer_id" BLOB,
    "queue_id" BLOB,
    "campaign_id" BLOB,
    "status" TEXT,
    "waiting" INTEGER,
    "agent_idle" INTEGER,
    "ringing" INTEGER,
    "talking" INTEGER,
    "wrap_up" INTEGER,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX queuecall_list ON queuecall(customer_id, created_at);
CREATE INDEX queuecall_queue ON queuecall(queue_id, created_at);
CREATE INDEX queuecall_campaign ON queuecall(campaign_id, created_at);
CREATE INDEX queuecall_open ON queuecall(queue_id, status, created_at)
    WHERE status IN ('waiting', 'connecting', 'service');

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

-- The runs of flows, one for each attempt that has come to one.
CREATE TABLE "activeflow"(
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL /* form 2 */,
    "customer_id" BLOB,
    "campaign_id" BLOB,
    "status" TEXT,
    "created_at" INTEGER,
    "is_deleted" INTEGER
) STRICT;
CREATE INDEX activeflow_list ON activeflow(customer_id, created_at);
CREATE INDEX activeflow_campaign ON activeflow(campaign_id, created_at);

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
    INSERT INTO call_count SELECT NEW.campaign_id, 'ever_answered', 1 WHERE NEW.was_answered = 1
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    INSERT INTO journal_count
        SELECT NEW.journal, 1 WHERE NEW.bucket IN ('dialing', 'answered')
        ON CONFLICT DO UPDATE SET open = open + 1;
END;
CREATE TRIGGER call_recounted AFTER UPDATE OF bucket ON campaigncall WHEN OLD.bucket <> NEW.bucket BEGIN
    UPDATE call_count SET calls = calls - 1 WHERE campaign_id = OLD.campaign_id AND bucket = OLD.bucket;
    INSERT INTO call_count VALUES (NEW.campaign_id, NEW.bucket, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    INSERT INTO call_count
        SELECT NEW.campaign_id, 'ever_answered', 1 WHERE NEW.was_answered = 1 AND OLD.was_answered = 0
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    UPDATE journal_count SET open = open - 1
        WHERE journal = OLD.journal AND NEW.bucket IN ('done', 'not_dialed');
END;

-- How many calls may still need an agent of a queue and have not come to it, how many callers of a queue are where, and
-- what became of the callers of a campaign, with sums of milliseconds; kept by triggers.
CREATE TABLE queue_need(queue_id BLOB PRIMARY KEY, calls INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE queue_count(
    queue_id BLOB NOT NULL, status TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (queue_id, status)
) STRICT, WITHOUT ROWID;
CREATE TABLE campaign_service(
    campaign_id BLOB PRIMARY KEY, incoming INTEGER NOT NULL, serviced INTEGER NOT NULL,
    abandoned INTEGER NOT NULL, waiting INTEGER NOT NULL, agent_idle INTEGER NOT NULL,
    ringing INTEGER NOT NULL, talking INTEGER NOT NULL, wrap_up INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER need_counted AFTER INSERT ON campaigncall WHEN NEW.needed_queue_id IS NOT NULL BEGIN
    INSERT INTO queue_need VALUES (NEW.needed_queue_id, 1) ON CONFLICT DO UPDATE SET calls = calls + 1;
END;
CREATE TRIGGER need_recounted AFTER UPDATE OF needed_queue_id ON campaigncall
WHEN OLD.needed_queue_id IS NOT NEW.needed_queue_id BEGIN
    UPDATE queue_need SET calls = calls - 1 WHERE queue_id = OLD.needed_queue_id;
    INSERT INTO queue_need SELECT NEW.needed_queue_id, 1 WHERE NEW.needed_queue_id IS NOT NULL
        ON CONFLICT DO UPDATE SET calls = calls + 1;
END;
CREATE TRIGGER queuecall_counted AFTER INSERT ON queuecall BEGIN
    INSERT INTO queue_count VALUES (NEW.queue_id, NEW.status, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    INSERT INTO campaign_service VALUES (
        NEW.campaign_id, 1, NEW.status IN ('service', 'done'), NEW.status = 'abandoned', NEW.waiting,
        NEW.agent_idle, NEW.ringing, NEW.talking, NEW.wrap_up
    ) ON CONFLICT DO UPDATE SET
        incoming = incoming + 1, serviced = serviced + excluded.serviced,
        abandoned = abandoned + excluded.abandoned, waiting = waiting + excluded.waiting,
        agent_idle = agent_idle + excluded.agent_idle, ringing = ringing + excluded.ringing,
        talking = talking + excluded.talking, wrap_up = wrap_up + excluded.wrap_up;
END;
CREATE TRIGGER queuecall_recounted AFTER UPDATE OF status ON queuecall WHEN OLD.status <> NEW.status BEGIN
    UPDATE queue_count SET calls = calls - 1 WHERE queue_id = OLD.queue_id AND status = OLD.status;
    INSERT INTO queue_count VALUES (NEW.queue_id, NEW.status, 1)
        ON CONFLICT DO UPDATE SET calls = calls + 1;
    UPDATE campaign_service SET
        serviced = serviced + (NEW.status IN ('service', 'done')) - (OLD.status IN ('service', 'done')),
        abandoned = abandoned + (NEW.status = 'abandoned') - (OLD.status = 'abandoned'),
        waiting = waiting + NEW.waiting - OLD.waiting,
        agent_idle = agent_idle + NEW.agent_idle - OLD.agent_idle,
        ringing = ringing + NEW.ringing - OLD.ringing,
        talking = talking + NEW.talking - OLD.talking,
        wrap_up = wrap_up + NEW.wrap_up - OLD.wrap_up
        WHERE campaign_id = NEW.campaign_id;
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
