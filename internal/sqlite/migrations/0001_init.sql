-- Ids are BLOB(16): under half the size of their text in every row and index, and
-- memcmp orders them as aigen.ID does. hex(id) shows them in a shell. Times are
-- INTEGER microseconds since 1970 in UTC, which is all that PostgreSQL keeps too;
-- no time is NULL. Amounts are INTEGER hundredths.
--
-- Rules say "a = 1 OR a = 2" and not "a IN (1, 2)": for a list SQLite builds a table
-- each time it checks a row, which made the inserts a third slower. JSON is checked
-- where it comes from outside; what the store itself encodes is not checked again.
--
-- Dialect: PostgreSQL has uuid, timestamptz, bigint and jsonb for these.

CREATE TABLE generations (
    id                 BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id            BLOB    NOT NULL CHECK (length(user_id) = 16),
    project_id         BLOB    NOT NULL CHECK (length(project_id) = 16),
    prompt             TEXT    NOT NULL,
    style              TEXT    NOT NULL,
    parameters         TEXT    NOT NULL CHECK (json_valid(parameters)),
    status             TEXT    NOT NULL CHECK (status = 'Pending' OR status = 'ProcessingSamples' OR
                               status = 'AwaitingSelection' OR status = 'ProcessingFinal' OR status = 'Completed' OR status = 'Failed' OR
                               status = 'Cancelled' OR status = 'ContentRejected'),
    samples            TEXT    CHECK (json_valid(samples)),
    selected_sample_id TEXT    NOT NULL,
    final_asset_id     TEXT    NOT NULL,
    final_asset        TEXT    CHECK (json_valid(final_asset)),
    ai_model           TEXT    NOT NULL,
    failure            TEXT    CHECK (json_valid(failure)),
    select_by          INTEGER,
    due_at             INTEGER,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL CHECK (updated_at >= created_at),
    status_since       INTEGER NOT NULL CHECK (status_since BETWEEN created_at AND updated_at),
    version            INTEGER NOT NULL CHECK (version >= 1),
    last_event         INTEGER NOT NULL CHECK (last_event >= 0),
    -- The sweeper has nothing to do after the end.
    CHECK (due_at IS NULL OR
           NOT (status = 'Completed' OR status = 'Failed' OR status = 'Cancelled' OR status = 'ContentRejected'))
) STRICT;

CREATE INDEX generations_list ON generations (user_id, created_at DESC, id DESC);
CREATE INDEX generations_due ON generations (due_at, id) WHERE due_at IS NOT NULL;

CREATE TRIGGER generations_end BEFORE UPDATE OF status ON generations
WHEN OLD.status <> NEW.status AND
    (OLD.status = 'Completed' OR OLD.status = 'Failed' OR OLD.status = 'Cancelled' OR OLD.status = 'ContentRejected')
BEGIN
    SELECT RAISE(ABORT, 'a generation that has ended does not change its status');
END;

-- Counted as they change: counting ten million rows at each look at /metrics would
-- hold more of the machine than the work does. Dialect: on PostgreSQL eight rows
-- that every transaction updates would be a lock; there an estimate serves.
CREATE TABLE generation_counts (
    status TEXT    NOT NULL PRIMARY KEY,
    n      INTEGER NOT NULL CHECK (n >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO generation_counts (status, n) VALUES
    ('Pending', 0), ('ProcessingSamples', 0), ('AwaitingSelection', 0), ('ProcessingFinal', 0),
    ('Completed', 0), ('Failed', 0), ('Cancelled', 0), ('ContentRejected', 0);

CREATE TRIGGER generations_count_insert AFTER INSERT ON generations
BEGIN
    UPDATE generation_counts SET n = n + 1 WHERE status = NEW.status;
END;

CREATE TRIGGER generations_count_update AFTER UPDATE OF status ON generations WHEN OLD.status <> NEW.status
BEGIN
    UPDATE generation_counts SET n = n - 1 WHERE status = OLD.status;
    UPDATE generation_counts SET n = n + 1 WHERE status = NEW.status;
END;

CREATE TRIGGER generations_count_delete AFTER DELETE ON generations
BEGIN
    UPDATE generation_counts SET n = n - 1 WHERE status = OLD.status;
END;

-- A run and its reservation. Clustered by generation: runs are only ever read
-- through theirs, so that an index on their own id would be written for nothing.
CREATE TABLE runs (
    generation_id BLOB    NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL CHECK (number >= 1),
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    user_id       BLOB    NOT NULL CHECK (length(user_id) = 16),
    stage         TEXT    NOT NULL CHECK (stage = 'samples' OR stage = 'final'),
    input         TEXT    CHECK (json_valid(input)),
    sample_id     TEXT    NOT NULL,
    resolution    TEXT    NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount >= 0),
    reservation   TEXT    NOT NULL CHECK (reservation = 'pending' OR reservation = 'held' OR reservation = 'deducted' OR
                          reservation = 'refunded' OR reservation = 'refused' OR reservation = 'releasing'),
    ask_at        INTEGER,
    jobs          TEXT,
    deadline      INTEGER,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (generation_id, number)
) STRICT, WITHOUT ROWID;

-- The reservations that are not decided: few, however many runs there were.
CREATE INDEX runs_open ON runs (generation_id, number, created_at, amount)
WHERE reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing';

CREATE TRIGGER runs_decided BEFORE UPDATE OF reservation ON runs
WHEN OLD.reservation <> NEW.reservation AND
    (OLD.reservation = 'deducted' OR OLD.reservation = 'refunded' OR OLD.reservation = 'refused')
BEGIN
    SELECT RAISE(ABORT, 'a reservation that is decided does not change');
END;

CREATE TABLE events (
    generation_id BLOB    NOT NULL REFERENCES generations (id),
    seq           INTEGER NOT NULL CHECK (seq >= 1),
    user_id       BLOB    NOT NULL CHECK (length(user_id) = 16),
    position      INTEGER NOT NULL CHECK (position >= 1),
    type          TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    data          TEXT    NOT NULL,
    PRIMARY KEY (generation_id, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_of_user ON events (user_id, position);

-- The outbox. No foreign key: what must be done outside outlives what asked for it.
CREATE TABLE deliveries (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    lane          TEXT    NOT NULL CHECK (lane = 'jobs' OR lane = 'credits' OR lane = 'notifications'),
    kind          TEXT    NOT NULL CHECK (kind = 'sample_generation' OR kind = 'final_generation' OR kind = 'reserve' OR
                          kind = 'deduct' OR kind = 'refund' OR kind = 'release' OR kind = 'notify'),
    user_id       BLOB    NOT NULL CHECK (length(user_id) = 16),
    generation_id BLOB    NOT NULL CHECK (length(generation_id) = 16),
    run_id        BLOB    CHECK (length(run_id) = 16),
    payload       TEXT    CHECK (json_valid(payload)),
    state         TEXT    NOT NULL CHECK (state = 'waiting' OR state = 'dead'),
    attempts      INTEGER NOT NULL CHECK (attempts >= 0),
    available_at  INTEGER NOT NULL, -- while leased: the end of the lease
    owner         TEXT,             -- of the lease
    last_error    TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    trace         TEXT    NOT NULL, -- traceparent of what wrote the row, or ''
    CHECK (state <> 'dead' OR owner IS NULL)
) STRICT, WITHOUT ROWID;

-- created_at is there for Stats alone, which then reads no row of the table.
CREATE INDEX deliveries_waiting ON deliveries (lane, available_at, id, created_at) WHERE state = 'waiting';
CREATE INDEX deliveries_dead ON deliveries (lane) WHERE state = 'dead';

-- An account of the embedded ledger, and the counter that the positions of the
-- user's events are drawn from. A row may be there for the counter alone: balance
-- is NULL until the ledger opens the account with the initial credits.
CREATE TABLE accounts (
    user_id        BLOB    NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
    balance        INTEGER,
    held           INTEGER NOT NULL CHECK (held >= 0),
    event_position INTEGER NOT NULL CHECK (event_position >= 0),
    CHECK (CASE WHEN balance IS NULL THEN held = 0 ELSE balance >= held END)
) STRICT, WITHOUT ROWID;

-- Every movement of the embedded ledger. There is no second table of reservations:
-- a run's entries are its reservation, and the index below lets it be reserved
-- once and settled once, so that no defect can deduct and refund the same run.
CREATE TABLE ledger_entries (
    id            INTEGER PRIMARY KEY,
    user_id       BLOB    NOT NULL CHECK (length(user_id) = 16),
    kind          TEXT    NOT NULL CHECK (kind = 'open' OR kind = 'grant' OR kind = 'reserve' OR kind = 'deduct' OR kind = 'refund'),
    amount        INTEGER NOT NULL CHECK (amount > 0 OR (kind = 'open' AND amount = 0)),
    run_id        BLOB    CHECK (length(run_id) = 16),
    generation_id BLOB    CHECK (length(generation_id) = 16),
    reference     TEXT,
    balance_after INTEGER NOT NULL,
    held_after    INTEGER NOT NULL CHECK (held_after >= 0),
    at            INTEGER NOT NULL,
    CHECK (balance_after >= held_after),
    CHECK ((run_id IS NOT NULL) = (kind = 'reserve' OR kind = 'deduct' OR kind = 'refund')),
    CHECK ((reference IS NOT NULL) = (kind = 'grant'))
) STRICT;

CREATE UNIQUE INDEX ledger_entries_run ON ledger_entries (run_id, (kind <> 'reserve')) WHERE run_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_entries_grant ON ledger_entries (user_id, reference) WHERE kind = 'grant';
CREATE UNIQUE INDEX ledger_entries_open ON ledger_entries (user_id) WHERE kind = 'open';

CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'ledger_entries is append-only');
END;

CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'ledger_entries is append-only');
END;

CREATE TABLE idempotency_keys (
    user_id       BLOB    NOT NULL CHECK (length(user_id) = 16),
    key           TEXT    NOT NULL CHECK (key <> ''),
    request_hash  BLOB    NOT NULL CHECK (length(request_hash) = 32),
    generation_id BLOB    NOT NULL CHECK (length(generation_id) = 16),
    run_id        BLOB    CHECK (length(run_id) = 16),
    answer        TEXT    CHECK (json_valid(answer)),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL CHECK (expires_at > created_at),
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
