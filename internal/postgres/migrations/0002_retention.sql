-- Ended generations can be removed after a time (RETENTION_DAYS).
--
-- How many of a user's events are gone with their generations: those that are left
-- and these make the counter, so that Audit still finds one that is missing.
ALTER TABLE accounts ADD COLUMN events_removed bigint NOT NULL DEFAULT 0,
    ADD CHECK (events_removed BETWEEN 0 AND event_position);

-- Finds what ended longest ago. New entries go to its right end, which is in memory:
-- one small write in the life of a generation. Making it reads the whole table once
-- and holds up writers meanwhile, about 5 s for ten million generations.
CREATE INDEX generations_ended ON generations (status_since, id)
WHERE status IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected');

-- A fifth of ten million dead rows would be too many to wait for: space of what was
-- removed is given to what comes when a fiftieth is dead.
ALTER TABLE generations SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE runs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- Every key is written once and removed a day later.
ALTER TABLE idempotency_keys SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
