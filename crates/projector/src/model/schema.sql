-- The read model. Everything here but read_mark and read_up_to follows from the log alone.

CREATE TABLE position (
    shard     INTEGER PRIMARY KEY,
    sequence  INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    bytes     INTEGER NOT NULL
) STRICT;

-- One row a task. A task that was put aside has unreadable_at, and the last state that could be read,
-- or none: then what is only known from that state is NULL. queued_at is there while it is pending.
-- submitted is the record that submitted it; an erased task's may be gone, and is not known. From note on
-- there is what a list shows in few words besides. All of it comes before the snapshot: what lies behind a
-- large value is only found by reading that. (tokens are 64 bits without a sign, whatever the number here.)
CREATE TABLE task (
    org            TEXT NOT NULL,
    task           BLOB NOT NULL,
    status         TEXT NOT NULL,
    user           TEXT,
    conversation   TEXT,
    kind           TEXT,
    title          TEXT NOT NULL,
    search         TEXT NOT NULL,
    dismissed      INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    submitted_at   INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    queued_at      INTEGER,
    unreadable_at  INTEGER,
    unreadable_why TEXT,
    submitted      INTEGER,
    note           TEXT NOT NULL,
    attempt        INTEGER NOT NULL,
    run            INTEGER NOT NULL,
    next_run       INTEGER NOT NULL,
    executor       BLOB,
    step           TEXT,
    step_index     INTEGER,
    step_of        INTEGER,
    fraction       REAL,
    tokens         INTEGER NOT NULL,
    artifacts      INTEGER NOT NULL,
    started_at     INTEGER,
    foreground     INTEGER NOT NULL,
    snapshot       BLOB,
    UNIQUE (task, org)
) STRICT;

-- A live task is written several times, and is one of few: it has its place in the order of submission
-- and in no other one, so that what changes while it lives changes no index. All orders are of tasks
-- that have ended.
CREATE INDEX task_live ON task (submitted_at, org, task) WHERE ended_at IS NULL;
CREATE INDEX org_live ON task (org, submitted_at, task) WHERE ended_at IS NULL;

CREATE INDEX task_submitted ON task (submitted_at, org, task) WHERE ended_at IS NOT NULL;
CREATE INDEX task_updated ON task (updated_at, org, task) WHERE ended_at IS NOT NULL;
CREATE INDEX task_ended ON task (ended_at, org, task) WHERE ended_at IS NOT NULL;
CREATE INDEX org_submitted ON task (org, submitted_at, task) WHERE ended_at IS NOT NULL;
CREATE INDEX org_updated ON task (org, updated_at, task) WHERE ended_at IS NOT NULL;
CREATE INDEX org_ended ON task (org, ended_at, task) WHERE ended_at IS NOT NULL;
CREATE INDEX org_kind_submitted ON task (org, kind, submitted_at, task) WHERE ended_at IS NOT NULL;
CREATE INDEX user_submitted ON task (org, user, submitted_at, task) WHERE ended_at IS NOT NULL;
CREATE INDEX user_updated ON task (org, user, updated_at, task) WHERE ended_at IS NOT NULL;
-- ended_at is there for the counts to need nothing else.
CREATE INDEX task_count ON task (org, user, kind, status, dismissed, ended_at) WHERE ended_at IS NOT NULL;

-- Most tasks that have ended are completed: those are found along the other orders.
CREATE INDEX task_status_submitted ON task (status, submitted_at, org, task)
    WHERE ended_at IS NOT NULL AND status <> 'completed';
CREATE INDEX org_status_submitted ON task (org, status, submitted_at, task)
    WHERE ended_at IS NOT NULL AND status <> 'completed';

CREATE INDEX org_conversation ON task (org, conversation, submitted_at, task) WHERE conversation IS NOT NULL;
CREATE INDEX task_aside ON task (org, task) WHERE unreadable_at IS NOT NULL;

CREATE TABLE label (
    org   TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    task  BLOB NOT NULL,
    PRIMARY KEY (org, key, value, task)
) STRICT, WITHOUT ROWID;

CREATE INDEX label_value ON label (key, value);
CREATE INDEX label_task ON label (org, task);

-- Which task names which other one in its lineage.
CREATE TABLE lineage (
    org      TEXT NOT NULL,
    ancestor BLOB NOT NULL,
    how      TEXT NOT NULL,
    task     BLOB NOT NULL,
    PRIMARY KEY (org, ancestor, how, task)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_ancestor ON lineage (ancestor);
CREATE INDEX lineage_task ON lineage (org, task);

-- What a task cost on which day (days since 1970-01-01, UTC, of the writer's clock).
CREATE TABLE usage (
    org           TEXT NOT NULL,
    day           INTEGER NOT NULL,
    task          BLOB NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    model_calls   INTEGER NOT NULL,
    queries       INTEGER NOT NULL,
    exact         INTEGER NOT NULL,
    PRIMARY KEY (org, day, task)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_task ON usage (org, task);

-- The bell: one row a fact. A fact is named by its task and sequence. What happened is in status:
-- a terminal one, or paused for a question; settled says that the question is answered.
CREATE TABLE notification (
    org      TEXT NOT NULL,
    user     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    task     BLOB NOT NULL,
    status   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    settled  INTEGER NOT NULL,
    PRIMARY KEY (org, user, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX notification_task ON notification (org, task);

-- What the board needs besides the tasks: policies, and slots given to runs that have not started.
CREATE TABLE policy (
    org      TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    policy   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
    org    TEXT NOT NULL,
    task   BLOB NOT NULL,
    run    INTEGER NOT NULL,
    ledger INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    why    BLOB NOT NULL,
    PRIMARY KEY (org, task)
) STRICT, WITHOUT ROWID;

-- Records that could not be read and belong to no task.
CREATE TABLE unreadable (
    shard    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    why      TEXT NOT NULL,
    PRIMARY KEY (shard, sequence)
) STRICT, WITHOUT ROWID;
