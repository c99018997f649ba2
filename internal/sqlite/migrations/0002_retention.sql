-- Ended generations can be removed after a time (RETENTION_DAYS).
--
-- How many of a user's events are gone with their generations: those that are left
-- and these make the counter, so that Audit still finds one that is missing.
ALTER TABLE accounts ADD COLUMN events_removed INTEGER NOT NULL DEFAULT 0
    CHECK (events_removed BETWEEN 0 AND event_position);

-- Finds what ended longest ago. Making it reads the whole table once.
CREATE INDEX generations_ended ON generations (status_since, id)
WHERE status = 'Completed' OR status = 'Failed' OR status = 'Cancelled' OR status = 'ContentRejected';
