-- What those who run the service ask for: see internal/app/operator_ports.go.
--
-- A list of all generations, newest first, needs no index of its own: ids are of
-- version 7, and the one on the primary key is one on time. On a file with many rows
-- each index reads its table once, about two seconds for a million rows.

-- Written once, when a generation ends like this.
CREATE INDEX generations_unfulfilled ON generations (status, id)
WHERE status = 'Failed' OR status = 'Cancelled' OR status = 'ContentRejected';

-- Rows come in the order of time, so that both are appended to at their ends. The
-- first has the type, so that counting reads nothing else.
--
-- Dialect: PostgreSQL has BRIN indexes for these.
CREATE INDEX events_at ON events (at, type);
CREATE INDEX runs_created ON runs (created_at);

-- What operators did. No foreign key: this outlives what it speaks of.
CREATE TABLE operator_actions (
    id            INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    operator_id   BLOB    NOT NULL CHECK (length(operator_id) = 16),
    action        TEXT    NOT NULL CHECK (action = 'retry' OR action = 'drop' OR action = 'fail'),
    generation_id BLOB    NOT NULL CHECK (length(generation_id) = 16),
    delivery_id   BLOB    CHECK (length(delivery_id) = 16),
    delivery_kind TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    detail        TEXT    NOT NULL,
    CHECK ((delivery_id IS NULL) = (delivery_kind = '')),
    CHECK (action = 'retry' OR reason <> '')
) STRICT;

CREATE INDEX operator_actions_generation ON operator_actions (generation_id, id);

CREATE TRIGGER operator_actions_no_update BEFORE UPDATE ON operator_actions
BEGIN
    SELECT RAISE(ABORT, 'operator_actions is append-only');
END;

CREATE TRIGGER operator_actions_no_delete BEFORE DELETE ON operator_actions
BEGIN
    SELECT RAISE(ABORT, 'operator_actions is append-only');
END;
