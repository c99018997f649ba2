-- Amounts are bigint hundredths; times are timestamptz, in microseconds. JSON is
-- json and not jsonb where it must come out as it went in: jsonb sorts keys, drops
-- repeated ones and spells numbers anew.
--
-- Dialect: SQLite has BLOB(16), INTEGER and TEXT for these. Where the two differ in
-- more than types, a comment says so.

-- fillfactor leaves room on each page, so that the next version of a row finds place
-- beside the last one. An update that leaves due_at alone, as that of a retry, then
-- writes no index (HOT).
CREATE TABLE generations (
    id                 uuid        NOT NULL PRIMARY KEY,
    user_id            uuid        NOT NULL,
    project_id         uuid        NOT NULL,
    prompt             text        NOT NULL,
    style              text        NOT NULL,
    parameters         json        NOT NULL,
    status             text        NOT NULL CHECK (status IN ('Pending', 'ProcessingSamples', 'AwaitingSelection',
                                   'ProcessingFinal', 'Completed', 'Failed', 'Cancelled', 'ContentRejected')),
    samples            json,
    selected_sample_id text        NOT NULL,
    final_asset_id     text        NOT NULL,
    final_asset        json,
    ai_model           text        NOT NULL,
    failure            json,
    select_by          timestamptz,
    due_at             timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL CHECK (updated_at >= created_at),
    status_since       timestamptz NOT NULL CHECK (status_since BETWEEN created_at AND updated_at),
    version            bigint      NOT NULL CHECK (version >= 1),
    last_event         bigint      NOT NULL CHECK (last_event >= 0),
    -- The sweeper has nothing to do after the end.
    CHECK (due_at IS NULL OR status NOT IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected'))
) WITH (fillfactor = 80);

CREATE INDEX generations_list ON generations (user_id, created_at DESC, id DESC);
CREATE INDEX generations_due ON generations (due_at, id) WHERE due_at IS NOT NULL;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER generations_end BEFORE UPDATE OF status ON generations FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected'))
EXECUTE FUNCTION refuse('a generation that has ended does not change its status');

-- Counted as they change: counting ten million rows at each look at /metrics would
-- hold more of the machine than the work does.
--
-- Dialect: SQLite has one row for each status. Here every transaction would wait for
-- the one before it at those rows. So each server process adds to a row of its own
-- (two may share one: harmless), and who reads adds up. One row for all statuses
-- means one lock for each transaction, so that no two can wait for each other.
CREATE TABLE generation_counts (
    shard              integer NOT NULL PRIMARY KEY,
    pending            bigint  NOT NULL,
    processing_samples bigint  NOT NULL,
    awaiting_selection bigint  NOT NULL,
    processing_final   bigint  NOT NULL,
    completed          bigint  NOT NULL,
    failed             bigint  NOT NULL,
    cancelled          bigint  NOT NULL,
    content_rejected   bigint  NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- One call for each statement, whatever the number of its rows.
CREATE FUNCTION count_generations() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    shard CONSTANT integer := pg_backend_pid() % 256;
    change bigint[] := array_fill(0::bigint, ARRAY[8]);
    part bigint[];
BEGIN
    IF TG_OP <> 'DELETE' THEN
        SELECT ARRAY[count(*) FILTER (WHERE status = 'Pending'), count(*) FILTER (WHERE status = 'ProcessingSamples'),
            count(*) FILTER (WHERE status = 'AwaitingSelection'), count(*) FILTER (WHERE status = 'ProcessingFinal'),
            count(*) FILTER (WHERE status = 'Completed'), count(*) FILTER (WHERE status = 'Failed'),
            count(*) FILTER (WHERE status = 'Cancelled'), count(*) FILTER (WHERE status = 'ContentRejected')]
        INTO change FROM new_rows;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT ARRAY[count(*) FILTER (WHERE status = 'Pending'), count(*) FILTER (WHERE status = 'ProcessingSamples'),
            count(*) FILTER (WHERE status = 'AwaitingSelection'), count(*) FILTER (WHERE status = 'ProcessingFinal'),
            count(*) FILTER (WHERE status = 'Completed'), count(*) FILTER (WHERE status = 'Failed'),
            count(*) FILTER (WHERE status = 'Cancelled'), count(*) FILTER (WHERE status = 'ContentRejected')]
        INTO part FROM old_rows;
        FOR i IN 1..8 LOOP
            change[i] := change[i] - part[i];
        END LOOP;
    END IF;
    IF change = array_fill(0::bigint, ARRAY[8]) THEN
        RETURN NULL;
    END IF;
    INSERT INTO generation_counts AS c
    VALUES (shard, change[1], change[2], change[3], change[4], change[5], change[6], change[7], change[8])
    ON CONFLICT ON CONSTRAINT generation_counts_pkey DO UPDATE SET
        pending = c.pending + excluded.pending,
        processing_samples = c.processing_samples + excluded.processing_samples,
        awaiting_selection = c.awaiting_selection + excluded.awaiting_selection,
        processing_final = c.processing_final + excluded.processing_final,
        completed = c.completed + excluded.completed,
        failed = c.failed + excluded.failed,
        cancelled = c.cancelled + excluded.cancelled,
        content_rejected = c.content_rejected + excluded.content_rejected;
    RETURN NULL;
END $$;

CREATE TRIGGER generations_count_insert AFTER INSERT ON generations
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_generations();
CREATE TRIGGER generations_count_update AFTER UPDATE ON generations
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_generations();
CREATE TRIGGER generations_count_delete AFTER DELETE ON generations
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_generations();

-- A run and its reservation. Runs are only ever read through their generation, so
-- that an index on their own id would be written for nothing.
--
-- Dialect: SQLite has foreign keys to generations from here and from events. They
-- would look up and lock the generation for each row, a tenth of what it costs to
-- accept a request. Each row is written in the transaction that has its generation
-- locked; and triggers refuse what could part them: another generation_id, and the
-- removal of a generation that has a log. Audit looks for orphans.
CREATE TABLE runs (
    generation_id uuid        NOT NULL,
    number        integer     NOT NULL CHECK (number >= 1),
    id            uuid        NOT NULL,
    user_id       uuid        NOT NULL,
    stage         text        NOT NULL CHECK (stage IN ('samples', 'final')),
    input         json,
    sample_id     text        NOT NULL,
    resolution    text        NOT NULL,
    amount        bigint      NOT NULL CHECK (amount >= 0),
    reservation   text        NOT NULL CHECK (reservation IN ('pending', 'held', 'deducted', 'refunded', 'refused', 'releasing')),
    ask_at        timestamptz,
    jobs          text,
    deadline      timestamptz,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (generation_id, number)
) WITH (fillfactor = 80);

-- The reservations that are not decided: few, however many runs there were.
CREATE INDEX runs_open ON runs (generation_id, number) INCLUDE (created_at, amount)
WHERE reservation IN ('pending', 'held', 'releasing');

CREATE TRIGGER runs_belong BEFORE UPDATE OF generation_id ON runs FOR EACH ROW
WHEN (OLD.generation_id <> NEW.generation_id)
EXECUTE FUNCTION refuse('a run stays with its generation');

CREATE TRIGGER runs_decided BEFORE UPDATE OF reservation ON runs FOR EACH ROW
WHEN (OLD.reservation <> NEW.reservation AND OLD.reservation IN ('deducted', 'refunded', 'refused'))
EXECUTE FUNCTION refuse('a reservation that is decided does not change');

CREATE TABLE events (
    generation_id uuid        NOT NULL,
    seq           bigint      NOT NULL CHECK (seq >= 1),
    user_id       uuid        NOT NULL,
    position      bigint      NOT NULL CHECK (position >= 1),
    type          text        NOT NULL,
    at            timestamptz NOT NULL,
    data          text        NOT NULL,
    PRIMARY KEY (generation_id, seq)
);

CREATE UNIQUE INDEX events_of_user ON events (user_id, position);

CREATE TRIGGER events_belong BEFORE UPDATE OF generation_id ON events FOR EACH ROW
WHEN (OLD.generation_id <> NEW.generation_id)
EXECUTE FUNCTION refuse('an event stays with its generation');

CREATE FUNCTION keep_logged_generations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM events WHERE generation_id = OLD.id) THEN
        RAISE EXCEPTION 'a generation that has a log is not removed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER generations_logged BEFORE DELETE ON generations FOR EACH ROW EXECUTE FUNCTION keep_logged_generations();

-- The outbox. No foreign key: what must be done outside outlives what asked for it.
--
-- Dialect: in SQLite available_at becomes the end of the lease. Here the lease has a
-- column of its own, which no index holds, so that claiming and extending write no
-- index (HOT). A row that is leased stays where it is in deliveries_waiting and is
-- skipped: there are only as many as are under way.
--
-- Every row is written, leased and removed within moments: vacuum comes by numbers,
-- not by shares, and does not pause.
CREATE TABLE deliveries (
    id            uuid        NOT NULL PRIMARY KEY,
    lane          text        NOT NULL CHECK (lane IN ('jobs', 'credits', 'notifications')),
    kind          text        NOT NULL CHECK (kind IN ('sample_generation', 'final_generation', 'reserve', 'deduct', 'refund',
                              'release', 'notify')),
    user_id       uuid        NOT NULL,
    generation_id uuid        NOT NULL,
    run_id        uuid,
    payload       json,
    state         text        NOT NULL CHECK (state IN ('waiting', 'dead')),
    attempts      integer     NOT NULL CHECK (attempts >= 0),
    available_at  timestamptz NOT NULL,
    owner         text,                    -- of the lease
    leased_until  timestamptz,
    last_error    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    trace         text        NOT NULL,    -- traceparent of what wrote the row, or ''
    CHECK (state <> 'dead' OR owner IS NULL),
    CHECK ((owner IS NULL) = (leased_until IS NULL))
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);

-- created_at is there for Stats alone, which then reads few rows of the table.
CREATE INDEX deliveries_waiting ON deliveries (lane, available_at, id) INCLUDE (created_at) WHERE state = 'waiting';
CREATE INDEX deliveries_dead ON deliveries (lane, id) WHERE state = 'dead';

-- An account of the embedded ledger, and the counter that the positions of the
-- user's events are drawn from. A row may be there for the counter alone: balance
-- is NULL until the ledger opens the account with the initial credits.
CREATE TABLE accounts (
    user_id        uuid   NOT NULL PRIMARY KEY,
    balance        bigint,
    held           bigint NOT NULL CHECK (held >= 0),
    event_position bigint NOT NULL CHECK (event_position >= 0),
    CHECK (CASE WHEN balance IS NULL THEN held = 0 ELSE balance >= held END)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Every movement of the embedded ledger. There is no second table of reservations:
-- a run's entries are its reservation, and the index below lets it be reserved
-- once and settled once, so that no defect can deduct and refund the same run.
CREATE TABLE ledger_entries (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id       uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('open', 'grant', 'reserve', 'deduct', 'refund')),
    amount        bigint      NOT NULL CHECK (amount > 0 OR (kind = 'open' AND amount = 0)),
    run_id        uuid,
    generation_id uuid,
    reference     text,
    balance_after bigint      NOT NULL,
    held_after    bigint      NOT NULL CHECK (held_after >= 0),
    at            timestamptz NOT NULL,
    CHECK (balance_after >= held_after),
    CHECK ((run_id IS NOT NULL) = (kind IN ('reserve', 'deduct', 'refund'))),
    CHECK ((reference IS NOT NULL) = (kind = 'grant'))
);

CREATE UNIQUE INDEX ledger_entries_run ON ledger_entries (run_id, (kind <> 'reserve')) WHERE run_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_entries_grant ON ledger_entries (user_id, reference) WHERE kind = 'grant';
CREATE UNIQUE INDEX ledger_entries_open ON ledger_entries (user_id) WHERE kind = 'open';

CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries FOR EACH STATEMENT
EXECUTE FUNCTION refuse('ledger_entries is append-only');

CREATE TABLE idempotency_keys (
    user_id       uuid        NOT NULL,
    key           text        NOT NULL CHECK (key <> ''),
    request_hash  bytea       NOT NULL CHECK (length(request_hash) = 32),
    generation_id uuid        NOT NULL,
    run_id        uuid,
    answer        json,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > created_at),
    PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
