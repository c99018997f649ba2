-- What those who run the service ask for: see internal/app/operator_ports.go.
--
-- The indexes are chosen so that the work of users pays next to nothing for them. A
-- list of all generations, newest first, needs none: ids are of version 7, and the
-- primary key is an index on time. On a database with many rows each index reads its
-- table once, about a second for a million rows, and who writes waits for that long.

-- Written once, when a generation ends like this. One that completes is found by the
-- primary key soon enough, and one that has not ended by generations_due.
CREATE INDEX generations_unfulfilled ON generations (status, id) WHERE status IN ('Failed', 'Cancelled', 'ContentRejected');

-- Rows are added in the order of time and stay where they are, so that a summary for
-- each few pages of the table finds a time. It is not written for each row, and an
-- update of a run does not touch it.
--
-- Dialect: SQLite has no such index, and its tables are in the order of their keys;
-- there it is an ordinary one.
CREATE INDEX events_at ON events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX runs_created ON runs USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

-- What operators did. No foreign key: this outlives what it speaks of.
CREATE TABLE operator_actions (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL,
    operator_id   uuid        NOT NULL,
    action        text        NOT NULL CHECK (action IN ('retry', 'drop', 'fail')),
    generation_id uuid        NOT NULL,
    delivery_id   uuid,
    delivery_kind text        NOT NULL,
    reason        text        NOT NULL,
    detail        text        NOT NULL,
    CHECK ((delivery_id IS NULL) = (delivery_kind = '')),
    CHECK (action = 'retry' OR reason <> '')
);

CREATE INDEX operator_actions_generation ON operator_actions (generation_id, id);

CREATE TRIGGER operator_actions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_actions FOR EACH STATEMENT
EXECUTE FUNCTION refuse('operator_actions is append-only');
